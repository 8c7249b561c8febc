"""Lets Java reach the network as this machine does: its proxies, and its certificates where Java brings its own."""

import os
import ssl
import warnings
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from urbanclear.embedded.cache import cache_folder
from urbanclear.embedded.java import Java

_STORE_PASSWORD: Final = "changeit"  # noqa: S105  # Java's own for its store of public certificates


def java_network_options(java: Java) -> list[str]:
    """Options for the `java` command."""
    options = []
    for scheme in ("http", "https"):
        proxy = urlsplit(getproxies().get(scheme, ""))
        if proxy.hostname:
            options.append(f"-D{scheme}.proxyHost={proxy.hostname}")
            options.append(f"-D{scheme}.proxyPort={proxy.port or 80}")
    if java.from_wheel:
        options.append(f"-Djavax.net.ssl.trustStore={_trust_store()}")
        options.append(f"-Djavax.net.ssl.trustStorePassword={_STORE_PASSWORD}")
    return options


def _trust_store() -> Path:
    """The certificates that Python trusts on this machine, in a form that Java reads."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
    from cryptography.utils import CryptographyDeprecationWarning
    from cryptography.x509 import load_der_x509_certificate

    trusted = ssl.create_default_context().get_ca_certs(binary_form=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # old roots with odd serial numbers
        entries = [PKCS12Certificate(load_der_x509_certificate(der), None) for der in trusted]
    store = cache_folder() / "java" / "trusted.p12"
    store.parent.mkdir(parents=True, exist_ok=True)
    fresh = store.with_name(f"trusted.{os.getpid()}")
    fresh.write_bytes(serialize_java_truststore(entries, BestAvailableEncryption(_STORE_PASSWORD.encode())))
    fresh.rename(store)
    return store
