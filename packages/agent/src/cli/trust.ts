import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Certificate files for programs in the machine. */
export interface TrustFiles {
  /** Every authority: the system's and ours. SSL_CERT_FILE replaces the system's list instead of adding to it. */
  readonly bundle: string;
  /** Ours alone. NODE_EXTRA_CA_CERTS adds to Node's own list. */
  readonly own: string;
}

/** Where Debian, Fedora and Alpine, and macOS keep the system's list. */
const systemBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

/** Writes the certificate files; `undefined` where the machine trusts what the system trusts. */
export async function writeTrustFiles(runtime: string, authority: string | undefined): Promise<TrustFiles | undefined> {
  if (authority === undefined) return undefined;
  const files = { bundle: join(runtime, 'ca-bundle.pem'), own: join(runtime, 'ca.pem') };
  const ours = `${authority.trim()}\n`;
  await writeFile(files.own, ours, { mode: 0o600 });
  await writeFile(files.bundle, `${await readFirst(systemBundles)}\n${ours}`, { mode: 0o600 });
  return files;
}

async function readFirst(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return '';
}
