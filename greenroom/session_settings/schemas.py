"""The wire of settings, and the settings as they are kept."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from greenroom.kit.wire import Minutes, SmallNumber

VideoProvider = Literal["builtin", "getstream", "livekit", "none"]
Source = Literal["default", "brand", "session"]

NAMED = f"an integer from 0 to {Minutes.LARGEST}, or null"
MinutesField = Annotated[Minutes, Meta(description=NAMED)]
NumberField = Annotated[SmallNumber, Meta(description=f"an integer from 0 to {SmallNumber.LARGEST}, or null")]
Switch = Annotated[bool, Meta(description="true, false or null")]
ProviderField = Annotated[VideoProvider, Meta(description="builtin, getstream, livekit, none or null")]
SourceField = Annotated[Source, Meta(description="Who says so: the program (default), the brand, or the session itself.")]


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a brand or a session says; None is left to whoever stands above it."""

    doors_open_minutes: int | None = None
    host_grace_minutes: int | None = None
    not_started_minutes: int | None = None
    first_reminder_minutes: int | None = None
    last_reminder_minutes: int | None = None
    empty_grace_minutes: int | None = None
    overrun_minutes: int | None = None
    moderation: bool | None = None
    anonymous: bool | None = None
    open_questions: int | None = None
    video_provider: VideoProvider | None = None


class SettingsPatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to change. A field that is absent stays; null goes back to what the brand, or else the program, says."""

    doors_open_minutes: MinutesField | UnsetType | None = UNSET
    host_grace_minutes: MinutesField | UnsetType | None = UNSET
    not_started_minutes: MinutesField | UnsetType | None = UNSET
    first_reminder_minutes: MinutesField | UnsetType | None = UNSET
    last_reminder_minutes: MinutesField | UnsetType | None = UNSET
    empty_grace_minutes: MinutesField | UnsetType | None = UNSET
    overrun_minutes: MinutesField | UnsetType | None = UNSET
    moderation: Switch | UnsetType | None = UNSET
    anonymous: Switch | UnsetType | None = UNSET
    open_questions: NumberField | UnsetType | None = UNSET
    video_provider: ProviderField | UnsetType | None = UNSET


class MinutesSetting(Struct, frozen=True):
    """A number of minutes, and who says so."""

    value: int
    source: SourceField


class NumberSetting(Struct, frozen=True):
    """How many, and who says so."""

    value: int
    source: SourceField


class SwitchSetting(Struct, frozen=True):
    """On or off, and who says so."""

    value: bool
    source: SourceField


class ProviderSetting(Struct, frozen=True):
    """A video provider, and who says so."""

    value: VideoProvider
    source: SourceField


class SessionSettings(Struct, frozen=True, kw_only=True):
    """Every setting as it holds, and who says so."""

    doors_open_minutes: Annotated[MinutesSetting, Meta(description="How long before scheduled_at participants may join.")]
    host_grace_minutes: Annotated[
        MinutesSetting, Meta(description="How long after scheduled_at a host who has not come is announced as late.")
    ]
    not_started_minutes: Annotated[
        MinutesSetting, Meta(description="How long after scheduled_at a session that nobody started is cancelled.")
    ]
    first_reminder_minutes: Annotated[
        MinutesSetting, Meta(description="How long before scheduled_at people with a seat are reminded; 0 for never.")
    ]
    last_reminder_minutes: Annotated[
        MinutesSetting, Meta(description="How long before scheduled_at they are reminded once more; 0 for never.")
    ]
    empty_grace_minutes: Annotated[
        MinutesSetting, Meta(description="How long a live session's call may be empty before the session ends.")
    ]
    overrun_minutes: Annotated[
        MinutesSetting,
        Meta(description="How long a session may be live before it ends by itself; twice duration_minutes where that is more."),
    ]
    moderation: Annotated[
        SwitchSetting, Meta(description="Whether a question is seen by others only once a moderator has approved it.")
    ]
    anonymous: Annotated[SwitchSetting, Meta(description="Whether participants see no names of those who ask.")]
    open_questions: Annotated[
        NumberSetting, Meta(description="How many questions of one person may be pending or approved at a time; 0 for none.")
    ]
    video_provider: Annotated[ProviderSetting, Meta(description="Who carries picture and sound.")]
