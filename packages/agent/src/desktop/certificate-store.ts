import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { SallyportError } from '@sallyport/core';

const run = promisify(execFile);

interface TrustOptions {
  /** Path of certutil. */
  readonly command: string;
  readonly home: string;
  /** Private directory for the certificate's text. */
  readonly folder: string;
  /** PEM. */
  readonly certificateAuthority: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Makes Chromium trust one more certificate authority for every host. On Linux it reads none from the
 * environment: only its own list and the NSS database in `~/.pki/nssdb`.
 */
export async function trustCertificateAuthority(options: TrustOptions): Promise<void> {
  const { certificateAuthority, command, env, folder, home, signal } = options;
  const database = join(home, '.pki', 'nssdb');
  const file = join(folder, 'certificate-authority.pem');
  const nickname = `sallyport ${createHash('sha256').update(certificateAuthority).digest('hex').slice(0, 16)}`;
  const certutil = async (...args: string[]): Promise<void> => {
    await run(command, ['-d', `sql:${database}`, ...args], { env: { ...env }, signal, timeout: 20_000, cwd: folder });
  };
  try {
    await mkdir(database, { recursive: true, mode: 0o700 });
    await writeFile(file, certificateAuthority, { mode: 0o600 });
    // Both are without effect on a database that has been made before.
    await certutil('-N', '--empty-password').catch(() => signal.throwIfAborted());
    // "C": trusted to issue certificates of servers, and for nothing else.
    await certutil('-A', '-n', nickname, '-t', 'C,,', '-i', file);
  } catch (error) {
    signal.throwIfAborted();
    throw new SallyportError(
      'MACHINE_FAILED',
      `The machine's browser could not be told to trust the egress certificate authority in ${database}.`,
      { hint: 'Look at the cause: certutil says what it could not do.', cause: error },
    );
  }
}
