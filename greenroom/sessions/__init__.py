"""Sessions: scheduled, live, ended or cancelled."""
