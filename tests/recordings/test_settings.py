"""Where recordings are kept, as an operator says it: a bucket whole, or none."""

import pytest

from greenroom.setting_rules import load_settings
from greenroom.settings import SettingsError

GOOD = {
    "GREENROOM_RECORDING_STORE": "s3://recordings/of/greenroom",
    "GREENROOM_RECORDING_S3_ENDPOINT": "https://storage.example.com",
    "GREENROOM_RECORDING_S3_REGION": "eu-central-1",
    "GREENROOM_RECORDING_S3_ACCESS_KEY": "greenroom",
    "GREENROOM_RECORDING_S3_SECRET_KEY": "hunter2",
}


def test_a_bucket_that_is_whole_is_taken() -> None:
    assert load_settings(GOOD).recording_store == GOOD["GREENROOM_RECORDING_STORE"]
    assert load_settings({"GREENROOM_RECORDING_STORE": "s3://recordings"}).recording_s3_endpoint is None
    assert load_settings({}).recording_store is None


@pytest.mark.parametrize(
    "url", ["recordings", "s3://", "s3://Re/x", "https://storage.example.com/x", "s3://recordings/?x", "/srv/x"]
)
def test_what_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="GREENROOM_RECORDING_STORE: expected s3://"):
        load_settings({**GOOD, "GREENROOM_RECORDING_STORE": url})


@pytest.mark.parametrize("endpoint", ["storage.example.com", "https://storage.example.com/path", "s3://storage"])
def test_what_is_no_address_of_a_store_is_refused(endpoint: str) -> None:
    with pytest.raises(SettingsError, match="GREENROOM_RECORDING_S3_ENDPOINT: expected http or https"):
        load_settings({**GOOD, "GREENROOM_RECORDING_S3_ENDPOINT": endpoint})


@pytest.mark.parametrize("name", sorted(GOOD.keys() - {"GREENROOM_RECORDING_STORE"}))
def test_what_a_bucket_needs_says_nothing_without_one(name: str) -> None:
    with pytest.raises(SettingsError, match="GREENROOM_RECORDING_STORE is required with"):
        load_settings({name: GOOD[name]})


@pytest.mark.parametrize("name", ["GREENROOM_RECORDING_S3_ACCESS_KEY", "GREENROOM_RECORDING_S3_SECRET_KEY"])
def test_a_key_and_its_secret_go_together(name: str) -> None:
    with pytest.raises(SettingsError, match="go together") as refused:
        load_settings({other: value for other, value in GOOD.items() if other != name})
    assert "hunter2" not in str(refused.value)
