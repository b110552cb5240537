"""The services behind the gateway, over HTTP; their failures are translated here."""
