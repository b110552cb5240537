"""TLS of the gateway's listener: an own CA and a certificate made at the first start, or the operator's.

ECDSA P-256; keys are readable by their owner alone. The CA is kept, the certificate is made anew a month before it
ends or when the hosts have changed.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from libs.shared.errors import Broken, Invalid
from libs.shared.values import Clock

ALWAYS = ("localhost", "127.0.0.1", "::1")
CA_LIFE = timedelta(days=3650)
LIFE = timedelta(days=397)
"""The longest that common clients accept."""
RENEW = timedelta(days=30)
EARLY = timedelta(hours=1)
"""Valid from a little before now, for clocks that are behind."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where the PEM files are; `ca` is None for an operator's own."""

    chain: Path
    key: Path
    ca: Path | None


def certificate(folder: Path, hosts: Iterable[str], clock: Clock) -> Certificate:
    """The CA and certificate in this folder, made where they are missing, ending or for other hosts.

    Raises `Broken` naming a file that can't be read or written.
    """
    found = Certificate(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
    wanted = tuple(dict.fromkeys((*ALWAYS, *hosts)))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ca, ca_key = _authority(folder, clock())
        if not _serves(found, ca, wanted, clock()):
            key = ec.generate_private_key(ec.SECP256R1())
            made = _issued(key, ca, ca_key, wanted, clock())
            _write(found.key, _pem(key))
            _write(found.chain, _certificate_pem(made) + _certificate_pem(ca))
    except OSError as error:
        raise Broken(
            "tls-folder", f"{error.filename or folder}: {error.strerror}; it holds the gateway's TLS key"
        ) from error
    return found


def context(of: Certificate) -> ssl.SSLContext:
    """A server's context, TLS 1.2 or newer, HTTP/1.1. Raises `Invalid` naming files that don't fit."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(of.chain, of.key)
    except (OSError, ssl.SSLError) as error:
        files = f"ORRERY_TLS_CERT={of.chain} and ORRERY_TLS_KEY={of.key}"
        text = f"{files} are no certificate chain with its key (PEM): {error}"
        raise Invalid("tls-certificate", text) from error
    return made


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The CA of this folder, made at the first start and when it ends: clients have to trust the new one then."""
    crt, key_file = folder / "ca.crt", folder / "ca.key"
    if crt.exists() and key_file.exists():
        standing = _read(crt), _read_key(key_file)
        if standing[0].not_valid_after_utc - now > RENEW:
            return standing
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Orrery local CA")])
    made = (
        _builder(name, name, key.public_key(), now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_file, _pem(key))
    _write(crt, _certificate_pem(made))
    return made, key


def _issued(
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    hosts: tuple[str, ...],
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Orrery gateway")])
    identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _builder(subject, ca.subject, key.public_key(), now, min(LIFE, ca.not_valid_after_utc - now))
        .add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + life)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _serves(found: Certificate, ca: x509.Certificate, hosts: tuple[str, ...], now: datetime) -> bool:
    """Whether the certificate that lies there is of this CA, for these hosts, and good for a while."""
    if not (found.chain.exists() and found.key.exists()):
        return False
    standing = _read(found.chain)
    try:
        standing.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError):
        return False
    if standing.public_key() != _read_key(found.key).public_key():
        return False  # a start that was killed between the two files
    names = standing.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(names) == [_general(host) for host in hosts] and standing.not_valid_after_utc - now > RENEW


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise Broken("tls-file", f"{path} is no certificate in PEM; remove it and it is made anew") from error


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise Broken("tls-file", f"{path} is no private key in PEM; remove it with ca.crt to make a new CA") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Broken("tls-file", f"{path} is no key on an elliptic curve")
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate_pem(made: x509.Certificate) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    """The whole file or none of it, for its owner alone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
