import pytest

from spectralgpt_qgis.install_problems import explain_error, explain_output


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "no-space"),
        ("OSError: [WinError 112] There is not enough space on the disk", "no-space"),
        ("error: Permission denied (os error 13)", "no-permission"),
        ("[WinError 5] Access is denied: 'C:\\\\x'", "no-permission"),
        ("[WinError 32] The process cannot access the file", "in-use"),
        ("This program is blocked by group policy.", "blocked"),
        ("because ensurepip is not\navailable.  ensurepip is not available", "no-venv"),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))",
            "certificate",
        ),
        ("invalid peer certificate: UnknownIssuer", "certificate"),
        ("OSError('Tunnel connection failed: 407 Proxy Authentication Required')", "proxy"),
        ("HTTPError: 403 Client Error: Forbidden for url", "forbidden"),
        ("[Errno -3] Temporary failure in name resolution", "no-network"),
        ("dns error: failed to lookup address information", "no-network"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "damaged-download"),
        ("version `GLIBC_2.28' not found", "old-system"),
        ("ERROR: No matching distribution found for numpy==9", "no-build"),
        ("something new went wrong\nerror: a surprise", "failed"),
    ],
)
def test_what_installers_say_in_words(output, kind):
    problem = explain_output(output, python="Python 3.12 on win32 AMD64", offline=False)
    assert problem.kind == kind
    assert problem.message[-1] in ".)0123456789abcdefghijklmnopqrstuvwxyz"


def test_errors_of_the_file_system_name_the_file():
    problem = explain_error(PermissionError(13, "Permission denied", "/opt/engine"))
    assert problem.kind == "no-permission"
    assert "/opt/engine" in problem.message
