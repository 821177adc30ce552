from insula.core.settings import HttpSettings, Settings
from tenants.domains.service import own_hosts


def test_the_installations_hosts_come_from_its_settings() -> None:
    settings = Settings(
        environment="test",
        public_url="https://App.Insula.dev:8443",
        base_domain="tenants.insula.dev",
        http=HttpSettings(allowed_hosts=("Other.example.com",)),
    )
    assert own_hosts(settings) == {"app.insula.dev", "tenants.insula.dev", "other.example.com"}
