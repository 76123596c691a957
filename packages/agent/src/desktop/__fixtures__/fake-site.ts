import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface FakeSite {
  readonly proxyPort: number;
  readonly certificateAuthority: string;
  /** Hosts the proxy was asked for. */
  readonly asked: readonly string[];
  close(): void;
}

/** `https://sign-in.example`, all red, behind a CONNECT proxy, with a certificate from its own authority. */
export async function startFakeSite(folder: string): Promise<FakeSite> {
  const { authority, pfx } = await makeCertificates(folder);
  const asked: string[] = [];
  const site = createTlsServer({ pfx, passphrase: '' }, (_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Sign in</title><body style="background:#cc0000">');
  });
  await once(site.listen(0, '127.0.0.1'), 'listening');
  const proxy = createServer().on('connect', (request, client) => {
    asked.push(request.url ?? '');
    client.on('error', () => {});
    if (request.url !== 'sign-in.example:443') {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const upstream = connect(portOf(site.address()), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return {
    proxyPort: portOf(proxy.address()),
    certificateAuthority: authority,
    asked,
    close: () => {
      proxy.close();
      proxy.closeAllConnections();
      site.close();
      site.closeAllConnections();
    },
  };
}

/** Made by the tools the desktop needs anyway, so that the tests need nothing more. */
async function makeCertificates(folder: string): Promise<{ authority: string; pfx: Buffer }> {
  const noise = join(folder, 'noise');
  const password = join(folder, 'password');
  const database = `sql:${folder}`;
  await writeFile(noise, randomBytes(2_048));
  await writeFile(password, '');
  const certutil = async (...args: string[]): Promise<string> => {
    const running = run('certutil', ['-d', database, '-f', password, ...args]);
    // Answers for -2: it is an authority, with no limit to the length of the chain, and that is critical.
    running.child.stdin?.end('y\n-1\ny\n');
    return (await running).stdout;
  };
  await certutil('-N');
  const common = ['-v', '12', '-k', 'rsa', '-g', '2048', '-Z', 'SHA256', '-z', noise];
  await certutil('-S', '-x', '-n', 'authority', '-s', 'CN=Test authority', '-t', 'CT,,', '-m', '1', '-2', ...common);
  const subject = ['-n', 'site', '-s', 'CN=sign-in.example', '-c', 'authority', '-t', ',,', '-m', '2'];
  await certutil('-S', ...subject, '--extSAN', 'dns:sign-in.example', ...common);
  const bundle = join(folder, 'site.p12');
  await run('pk12util', ['-d', database, '-k', password, '-o', bundle, '-n', 'site', '-W', '']);
  return { authority: await certutil('-L', '-n', 'authority', '-a'), pfx: await readFile(bundle) };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new TypeError('not listening on a port');
  return address.port;
}
