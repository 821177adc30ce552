from insula.core.settings import HttpSettings, Settings
from tenants.domains.service import own_hosts


def test_the_installations_own_hosts_are_what_it_is_configured_with() -> None:
    settings = Settings(
        environment="test",
        public_url="https://App.Insula.dev:8443",
        base_domain="tenants.insula.dev",
        http=HttpSettings(allowed_hosts=("Other.example.com",)),
    )
    assert own_hosts(settings) == {"app.insula.dev", "tenants.insula.dev", "other.example.com"}
