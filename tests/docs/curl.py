"""As much of curl as the documentation uses, for a machine that has none: -s -i -X -H -d URL."""

import argparse
import http.client
import sys
from urllib.parse import urlsplit


def main() -> None:
    """Send one request and print its answer."""
    parser = argparse.ArgumentParser(prog="curl")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="body")
    parser.add_argument("url")
    asked = parser.parse_args()
    url = urlsplit(asked.url)
    headers = dict(line.split(": ", 1) for line in asked.headers)
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    method = asked.method or ("GET" if asked.body is None else "POST")
    connection.request(method, url.path, body=asked.body, headers=headers)
    response = connection.getresponse()
    if asked.i:
        print(f"HTTP/1.1 {response.status} {response.reason}")
        print("".join(f"{name}: {value}\n" for name, value in response.getheaders()))
    sys.stdout.write(response.read().decode())


if __name__ == "__main__":
    main()
