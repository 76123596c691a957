import { execFile } from 'node:child_process';
import { homedir } from 'node:os';

import { SallyportError } from '@sallyport/core';
import { MAX_CREDENTIAL_BYTES } from '@sallyport/core/protocol';

import { hasCode } from '../host/node-error.ts';

export interface KeychainItem {
  readonly service: string;
  readonly account: string;
}

export interface KeychainOptions {
  /** Path of the `security` program. */
  readonly security: string;
  /** A user may have to allow the access first, or to unlock the Keychain. */
  readonly timeoutMs: number;
}

/**
 * Reads a generic password of the macOS Keychain. Returns `undefined` if there is no such item. Throws
 * `CREDENTIAL_UNREADABLE`, which never quotes what the program printed. Not tried on a Mac: the exit codes are the last
 * byte of the OSStatus in Apple's SecBase.h, which `security` ends with.
 */
export async function readKeychain(item: KeychainItem, options: KeychainOptions): Promise<string | undefined> {
  const { code, stdout } = await run(item, options);
  if (code === 0) return decodePassword(stdout.replace(/\n$/, ''));
  if (code === NOT_FOUND) return undefined;
  throw unreadable(item, reasons.get(code) ?? `${options.security} ended with code ${code}`);
}

/** errSecItemNotFound, -25300. */
const NOT_FOUND = 44;

const reasons: ReadonlyMap<number | string, string> = new Map<number | string, string>([
  [36, 'the Keychain is locked, and no one can be asked here (errSecInteractionNotAllowed)'],
  [51, 'the password of the Keychain was not right (errSecAuthFailed)'],
  [128, 'the access was refused (errSecUserCanceled)'],
  ['ENOENT', '/usr/bin/security is missing'],
  ['too long', 'no one allowed the access in time'],
  ['too much', `it is larger than ${MAX_CREDENTIAL_BYTES / 1024} KiB`],
]);

interface Ran {
  /** The exit code, or why there is none. */
  readonly code: number | string;
  readonly stdout: string;
}

function run({ service, account }: KeychainItem, { security, timeoutMs }: KeychainOptions): Promise<Ran> {
  const args = ['find-generic-password', '-s', service, '-a', account, '-w'];
  // Printed in hex, it is twice as long.
  const maxBuffer = 2 * MAX_CREDENTIAL_BYTES + 1;
  // Nothing of the environment but what leads to the user's Keychain.
  const env = { HOME: homedir(), PATH: '/usr/bin:/bin' };
  return new Promise((resolve) => {
    const options = { env, maxBuffer, timeout: timeoutMs, killSignal: 'SIGKILL', encoding: 'utf8' } as const;
    const child = execFile(security, args, options, (error, stdout) => {
      if (error === null) resolve({ code: 0, stdout });
      else if (hasCode(error, 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')) resolve({ code: 'too much', stdout: '' });
      else if (error.killed === true) resolve({ code: 'too long', stdout: '' });
      else resolve({ code: error.code ?? String(error.signal), stdout: '' });
    });
    child.stdin?.end();
  });
}

/** `security` prints hex instead if a byte is not printable ASCII, such as the line ends of indented JSON. */
function decodePassword(printed: string): string {
  if (!/^([\da-f]{2})+$/i.test(printed)) return printed;
  const bytes = Buffer.from(printed, 'hex');
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) return printed;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return printed;
  }
}

function unreadable({ service, account }: KeychainItem, reason: string): SallyportError {
  return new SallyportError(
    'CREDENTIAL_UNREADABLE',
    `The Keychain item "${service}" of the account "${account}" could not be read: ${reason}.`,
    {
      hint: 'Run the command again in a terminal of the desktop, and allow the access. Over SSH, run `security unlock-keychain` first.',
    },
  );
}
