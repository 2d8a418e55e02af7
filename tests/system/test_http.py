# SPDX-License-Identifier: GPL-3.0-or-later
"""What is fetched about our domains over HTTP and HTTPS, by curl: MTA-STS, autoconfig, autodiscover."""
import subprocess
import xml.etree.ElementTree as xml

import pytest

OUTLOOK = ('<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/'
           'requestschema/2006"><Request><EMailAddress>%s</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/'
           'exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>')


@pytest.fixture
def server(make_instance):
    return make_instance(settings={"sts.mode": "testing", "sts.max_age": "1d"})


def fetch(server, host, path, *options, tls=True):
    """(status, headers, body) of what curl gets from our port under that name."""
    port = server.https_port if tls else server.http_port
    url = f"{'https' if tls else 'http'}://{host}:{port}{path}"
    done = subprocess.run(["curl", "-sik", "--http1.1", "--max-time", "20", "--connect-to", f"{host}:{port}:127.0.0.1:{port}", *options, url],
                          stdout=subprocess.PIPE, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body.decode()


def test_mta_sts_policy(server):
    status, headers, body = fetch(server, "mta-sts.example.org", "/.well-known/mta-sts.txt")
    assert (status, headers["content-type"]) == (200, "text/plain")
    assert body == "version: STSv1\r\nmode: testing\r\nmx: mail.example.org\r\nmax_age: 86400\r\n"
    for host, path in [("mta-sts.example.net", "/.well-known/mta-sts.txt"), ("example.org", "/.well-known/mta-sts.txt"),
                       ("mta-sts.example.org", "/.well-known/mta-sts.txtx"), ("mta-sts.example.org", "/")]:
        assert fetch(server, host, path)[0] == 404, (host, path)


def servers_of(body):
    return [(way.tag, way.get("type"), int(way.find("port").text), way.find("socketType").text)
            for way in xml.fromstring(body).find("emailProvider") if way.tag.endswith("Server")]


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("host, path", [
    ("autoconfig.example.org", "/mail/config-v1.1.xml"),
    ("autoconfig.example.org", "/mail/config-v1.1.xml?emailaddress=user0001%40example.org"),
    ("example.org", "/.well-known/autoconfig/mail/config-v1.1.xml"),
    ("mail.example.org", "/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=user0001@example.org")])
def test_thunderbird(server, host, path, tls):
    status, headers, body = fetch(server, host, path, tls=tls)
    assert status == 200 and headers["content-type"].startswith("text/xml")
    assert servers_of(body) == [
        ("incomingServer", "imap", server.imaps_port, "SSL"), ("incomingServer", "imap", server.imap_port, "STARTTLS"),
        ("incomingServer", "pop3", server.pop3s_port, "SSL"), ("incomingServer", "pop3", server.pop3_port, "STARTTLS"),
        ("outgoingServer", "smtp", server.submissions_port, "SSL"),
        ("outgoingServer", "smtp", server.submission_port, "STARTTLS")]
    assert "<hostname>mail.example.org</hostname>" in body


def test_only_domains_of_ours(server):
    path = "/mail/config-v1.1.xml"
    assert fetch(server, "autoconfig.example.net", path)[0] == 404
    assert fetch(server, "autoconfig.example.org", path + "?emailaddress=a%40example.net")[0] == 404
    assert fetch(server, "autoconfig.example.org", path + "?emailaddress=%zz")[0] == 400
    assert fetch(server, "x", "/autodiscover/autodiscover.xml", "-d", OUTLOOK % "a@example.net")[0] == 404


@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/AutoDiscover.XML"])
def test_outlook(server, path):
    status, headers, body = fetch(server, "autodiscover.example.org", path, "-d", OUTLOOK % "user0001@example.org")
    assert (status, headers["cache-control"]) == (200, "no-store")
    space = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
    protocols = [(way.find(space + "Type").text, int(way.find(space + "Port").text), way.find(space + "LoginName").text)
                 for way in xml.fromstring(body).iter(space + "Protocol")]
    assert ("IMAP", server.imaps_port, "user0001@example.org") in protocols
    assert ("POP3", server.pop3s_port, "user0001@example.org") in protocols
    assert ("SMTP", server.submission_port, "user0001@example.org") in protocols


def test_refuses_bad_requests(server):
    path = "/autodiscover/autodiscover.xml"
    assert fetch(server, "x", path, "-d", "rubbish")[0] == 400
    assert fetch(server, "x", path, "-d", "x" * 20000)[0] == 413
    status, headers, _ = fetch(server, "x", path)
    assert (status, headers["allow"]) == (405, "post")
    status, headers, _ = fetch(server, "mta-sts.example.org", "/.well-known/mta-sts.txt", "-d", "x")
    assert (status, headers["allow"]) == (405, "get, head")
    assert fetch(server, "x", "/mail/config-v1.1.xml", "-H", "X-Long: " + "x" * 9000)[0] == 413


def test_redirects_to_https(server):
    status, headers, _ = fetch(server, "mta-sts.example.org", "/.well-known/mta-sts.txt?x=1", tls=False)
    assert (status, headers["location"]) == (301, f"https://mta-sts.example.org:{server.https_port}/.well-known/mta-sts.txt?x=1")
    # Outlook asks here for a name that has a certificate.
    status, headers, _ = fetch(server, "autodiscover.example.org", "/autodiscover/autodiscover.xml", tls=False)
    assert (status, headers["location"]) == (302, f"https://mail.example.org:{server.https_port}/autodiscover/autodiscover.xml")
    # No name, no place to send anybody to.
    assert fetch(server, "x", "/", "-H", "Host: a\"b", tls=False)[0] == 404


def test_redirect_can_be_off(make_instance):
    server = make_instance(settings={"http.redirect": "off"})
    assert fetch(server, "mta-sts.example.org", "/.well-known/mta-sts.txt", tls=False)[0] == 200


def test_connection_is_kept_and_counted(server):
    port = server.https_port
    url = f"https://mta-sts.example.org:{port}/.well-known/mta-sts.txt"
    done = subprocess.run(["curl", "-sk", "--http1.1", "--connect-to", f"::127.0.0.1:{port}", "-w", "%{num_connects} ", url, url, url],
                          stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout.count("version: STSv1") == 3
    assert [part[0] for part in done.stdout.split("max_age: 86400\n")[1:]] == ["1", "0", "0"]
    metrics = subprocess.run(["curl", "-s", server.admin_url + "/metrics"], stdout=subprocess.PIPE, check=True, text=True).stdout
    assert 'ringmail_http_requests_total{status="2xx"} 3' in metrics
