#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the test messages (deterministic text, fresh DKIM key): mkmsg.py OUTDIR
   ham4k.eml html64k.eml plain1m.eml gtube.eml   LF line ends, sizes counted with CRLF
   ham/ spam/                                    300 each, to train a Bayes classifier
   also: mkmsg.py --maildir DIR COUNT SIZE       COUNT messages of about SIZE bytes into DIR/cur"""
import base64, glob, os, random, re, subprocess, sys, hashlib

def sentences():
    out = []
    for f in sorted(glob.glob('/usr/share/common-licenses/*')):
        if os.path.islink(f) or not os.path.isfile(f):
            continue
        text = re.sub(r'[^A-Za-z0-9,.;:\'()\s-]', ' ', open(f, encoding='utf-8', errors='replace').read())
        for s in re.split(r'(?<=[.;])\s+', re.sub(r'\s+', ' ', text)):
            if 30 < len(s) < 400:
                out.append(s.strip())
    return out

SENT = sentences()
SPAMWORDS = ("amazing offer guaranteed winner casino jackpot pills discount cheap luxury replica watches "
  "enlarge investment crypto double bitcoin profit urgent transfer inheritance million dollars beneficiary "
  "click here unsubscribe limited time act now free trial no risk credit card approved loan mortgage rates "
  "lottery claim prize confidential partner fund bank account prince viagra pharmacy online order today").split()

def wrap(words, width=72):
    line, out = '', []
    for w in words:
        if len(line) + len(w) + 1 > width:
            out.append(line); line = w
        else:
            line = (line + ' ' + w) if line else w
    out.append(line)
    return out

def para(rnd, n=3):
    return wrap(' '.join(rnd.choice(SENT) for _ in range(n)).split())

def size(lines):
    return sum(len(l) + 2 for l in lines)

def text_body(rnd, target):
    out, n = [], 0
    while n < target:
        p = para(rnd) + ['']
        out += p; n += size(p)
    while n > target:
        n -= len(out.pop()) + 2
    left = target - n
    if left > 2:
        out.append(('signed, the usual sender ' * 200)[:left - 2][:990])
    return out

def headers(rnd, i, frm='alice@example.net', to='user0001@example.org', subject=None, extra=()):
    subj = subject or ' '.join(rnd.choice(SENT).split()[:7]).rstrip('.,;:')
    return ['From: Alice Example <%s>' % frm, 'To: Bob Example <%s>' % to, 'Subject: %s' % subj,
            'Date: Sun, 22 Nov 2026 %02d:%02d:%02d +0000' % (i // 3600 % 24, i // 60 % 60, i % 60),
            'Message-ID: <%d.%08x@mx.example.net>' % (i, rnd.getrandbits(32)),
            'MIME-Version: 1.0'] + list(extra)

def plain(rnd, i, total, **kw):
    h = headers(rnd, i, extra=['Content-Type: text/plain; charset=UTF-8', 'Content-Transfer-Encoding: 7bit'], **kw)
    return h, text_body(rnd, max(64, total - size(h) - 2))

def html(rnd, i, total):
    b = '----=_Part_%08x' % rnd.getrandbits(32)
    h = headers(rnd, i, extra=['Content-Type: multipart/alternative; boundary="%s"' % b])
    body = ['--' + b, 'Content-Type: text/plain; charset=UTF-8', 'Content-Transfer-Encoding: 7bit', '']
    body += text_body(rnd, 8192)
    body += ['', '--' + b, 'Content-Type: text/html; charset=UTF-8', 'Content-Transfer-Encoding: quoted-printable', '']
    body += ['<!DOCTYPE html><html><head><title>Newsletter</title><style>', 'body { font-family: sans-serif; color: #222; } td { padding: 4px }', '</style></head><body><table>']
    tail = ['</table></body></html>', '', '--' + b + '--', '']
    n = 0
    while True:
        n += 1
        row = ['<tr><td style=3D"color: #333"><b>%d</b></td><td>' % n] + para(rnd) + \
              ['<a href=3D"http://www.example.net/item/%d?ref=3Dnews">read more</a></td></tr>' % n]
        if size(h) + 2 + size(body) + size(row) + size(tail) > total:
            break
        body += row
    left = total - (size(h) + 2 + size(body) + size(tail))
    while left > 12:
        k = min(left, 70)
        body.append('<!--' + 'x' * (k - 9) + '-->'); left -= k
    return h, body + tail

def dkim_sign(h, body, key, domain='example.net', sel='sel'):
    def relaxed(l):
        n, v = l.split(':', 1)
        return n.lower().strip() + ':' + re.sub(r'\s+', ' ', v).strip()
    lines = [re.sub(r'[ \t]+', ' ', l).rstrip(' ') for l in body]
    while lines and lines[-1] == '':
        lines.pop()
    bh = base64.b64encode(hashlib.sha256(''.join(l + '\r\n' for l in lines).encode()).digest()).decode()
    names = ['from', 'to', 'subject', 'date', 'message-id', 'mime-version', 'content-type']
    have = {l.split(':', 1)[0].lower(): l for l in h}
    names = [n for n in names if n in have]
    dk = 'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=%s; h=%s; bh=%s; b=' % (domain, sel, ':'.join(names), bh)
    data = ''.join(relaxed(have[n]) + '\r\n' for n in names) + relaxed(dk)
    sig = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key], input=data.encode(), stdout=subprocess.PIPE, check=True).stdout
    s = base64.b64encode(sig).decode()
    d1, rest = dk.split('; h=', 1)
    hh, b2 = rest.split('; bh=', 1)
    return [d1 + ';', ' h=' + hh + ';', ' bh=' + b2.replace('; b=', ';')] + \
           [(' b=' if i == 0 else '  ') + s[i:i + 70] for i in range(0, len(s), 70)]

def write(path, h, body, sig=()):
    with open(path, 'w') as f:
        f.write('\n'.join(list(sig) + h + [''] + body) + '\n')

def main():
    if sys.argv[1] == '--maildir':
        d, count, sz = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        for s in ('cur', 'new', 'tmp'):
            os.makedirs(os.path.join(d, s), exist_ok=True)
        rnd = random.Random(7)
        for i in range(count):
            if sz > 200000:
                h, body = headers(rnd, i, extra=['Content-Type: application/octet-stream', 'Content-Transfer-Encoding: base64']), []
                blob = base64.b64encode(rnd.randbytes((sz - size(h)) * 57 // 78)).decode()
                body = [blob[j:j + 76] for j in range(0, len(blob), 76)]
            else:
                h, body = plain(rnd, i, sz, frm='sender%d@example.net' % (i % 997))
                if i % 1000 == 500:
                    body.insert(1, 'the needle zanzibar%d hides here' % i)
            data = ('\n'.join(h + [''] + body) + '\n')
            with open(os.path.join(d, 'cur', '%d.M%dP1.peer,S=%d:2,%s' % (1795000000 + i, i, len(data), 'S' if i % 3 else '')), 'w') as f:
                f.write(data)
        return
    out = sys.argv[1]
    rnd = random.Random(42)
    key = os.path.join(out, 'dkim.key')
    subprocess.run(['openssl', 'genrsa', '-out', key, '2048'], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(['openssl', 'rsa', '-in', key, '-pubout', '-out', os.path.join(out, 'dkim.pub')], check=True, stderr=subprocess.DEVNULL)
    for name, total, make in (('ham4k', 4096, plain), ('html64k', 65536, html), ('plain64k', 65536, plain)):
        h, body = make(rnd, 1, total)
        sig = dkim_sign(h, body, key)
        h, body = make(random.Random(total), 1, total - size(sig))
        sig = dkim_sign(h, body, key)
        write(os.path.join(out, name + '.eml'), h, body, sig)
    h, body = plain(rnd, 2, 1 << 20)
    write(os.path.join(out, 'plain1m.eml'), h, body)
    h, body = plain(rnd, 3, 1500, subject='gtube test')
    body.insert(3, 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X')
    write(os.path.join(out, 'gtube.eml'), h, body)
    for kind in ('ham', 'spam'):
        os.makedirs(os.path.join(out, kind), exist_ok=True)
        for i in range(300):
            if kind == 'ham':
                h, body = plain(rnd, 100 + i, 3000)
            else:
                h, _ = plain(rnd, 100 + i, 500, frm='promo%d@spam.example' % i, subject=' '.join(rnd.choice(SPAMWORDS) for _ in range(5)))
                body = wrap([rnd.choice(SPAMWORDS) for _ in range(300)])
            write(os.path.join(out, kind, '%04d.eml' % i), h, body)

main()
