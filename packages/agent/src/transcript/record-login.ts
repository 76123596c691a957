import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { manifestSchema, SallyportError } from '@sallyport/core';
import type { Clock, CredentialItem, LoginMethod, ProviderManifest } from '@sallyport/core';
import { z } from 'zod';

import { cliCommand } from '../cli/cli-command.ts';
import { cliEnvironment } from '../cli/cli-environment.ts';
import { writeSettings } from '../cli/settings.ts';
import { readHomeFile } from '../credentials/credential-file.ts';
import { installBrowserShim } from '../login/browser-shim.ts';
import { createScreen } from '../terminal/screen.ts';
import { findSecrets } from './find-secrets.ts';
import { recordTerminal } from './record.ts';
import type { Recording } from './record.ts';
import { createSecretReplacer } from './replace-secrets.ts';
import type { SecretReplacer } from './replace-secrets.ts';

/** What to record and where to put it. JSON: the server's command writes it, this program reads it. */
export const recordLoginSchema = z.object({
  manifest: manifestSchema,
  /** Id of the login method. */
  method: z.string(),
  /** Where the CLI is installed. */
  directory: z.string(),
  /** Default: what the method is driven with. */
  columns: z.number().int().positive().optional(),
  rows: z.number().int().positive().optional(),
  /** The way to the vendor where it is not a direct one: proxy and certificates. Nothing else of the environment gets through. */
  network: z.record(z.string(), z.string()),
  /** Directory for both files. */
  out: z.string(),
});

export type RecordLogin = z.infer<typeof recordLoginSchema>;

export interface RecordLoginOptions {
  readonly keys: AsyncIterable<Uint8Array>;
  readonly show: (bytes: Uint8Array) => void;
  readonly onOpened: (url: string) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Lets a user log in with the CLI in a home of its own, and writes the recording without its secrets. Resolves to
 * the path of both files, without their endings.
 */
export async function recordLogin(request: RecordLogin, options: RecordLoginOptions): Promise<string> {
  const { manifest } = request;
  const { cli } = manifest;
  const { method, drive } = terminalMethod(request);
  const { columns = drive.columns, rows = drive.rows } = request;
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-record-'));
  try {
    const home = join(folder, 'home');
    const runtime = join(folder, 'run');
    await mkdir(home, { mode: 0o700 });
    await mkdir(join(runtime, 'tmp'), { recursive: true, mode: 0o700 });
    await writeSettings(home, cli.settings);
    const shim = await installBrowserShim(runtime);
    const opened: string[] = [];
    shim.listen((url) => {
      opened.push(url);
      options.onOpened(url);
    });
    const program = cliCommand({ [manifest.id]: request.directory }, manifest.id, cli, drive.argv);
    const surroundings = { runtime, proxyPort: undefined, trust: undefined };
    const env = { ...cliEnvironment(surroundings, home, cli.env, drive.env ?? {}), ...request.network };
    const command = { ...program, env, cwd: home, columns, rows };
    const recording = await recordTerminal({ ...options, command });
    shim.close();
    const taken: Taken = { manifest, method, columns, rows, opened, recording };
    const out = join(request.out, `${manifest.id}-${cli.version}-${method.id}-${columns}x${rows}`);
    await writeRecording(out, taken, await replacerFor(taken, home));
    return out;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function terminalMethod({ manifest, method }: RecordLogin): {
  readonly method: LoginMethod;
  readonly drive: TerminalDrive;
} {
  const found = manifest.logins.find(({ id }) => id === method);
  if (found?.drive.kind === 'terminal') return { method: found, drive: found.drive };
  const available = manifest.logins.filter(({ drive }) => drive.kind === 'terminal').map(({ id }) => id);
  throw new SallyportError(
    'LOGIN_METHOD_UNAVAILABLE',
    `The provider ${manifest.id} has no login method ${JSON.stringify(method)} that shows anything on a terminal.`,
    { hint: `Choose one of ${available.join(', ')}.` },
  );
}

type TerminalDrive = Extract<LoginMethod['drive'], { kind: 'terminal' }>;

/** A recording and what it is of. */
interface Taken {
  readonly manifest: ProviderManifest;
  readonly method: LoginMethod;
  readonly columns: number;
  readonly rows: number;
  readonly opened: readonly string[];
  readonly recording: Recording;
}

async function replacerFor(
  { manifest, method, columns, rows, opened, recording: { bytes, sent } }: Taken,
  home: string,
): Promise<SecretReplacer> {
  const screen = createScreen({ columns, rows, maxBytes: bytes.length });
  try {
    await screen.write(bytes);
    const secrets = findSecrets({
      method,
      credentials: await readCredentials(manifest.credentials, home),
      typed: sent.map(([, keys]) => keys).join(''),
      opened,
      printed: bytes,
      screen: screen.view(),
    });
    return createSecretReplacer(secrets, randomBytes(32));
  } finally {
    screen.dispose();
  }
}

async function readCredentials(items: readonly CredentialItem[], home: string): Promise<readonly string[]> {
  const paths = items.flatMap((item) => (item.as === 'file' ? [item.paths.browser] : []));
  const readings = await Promise.all(paths.map((path) => readHomeFile(home, path)));
  return readings.flatMap((reading) => (reading.type === 'text' ? [reading.text] : []));
}

async function writeRecording(
  out: string,
  { manifest, method, columns, rows, opened, recording: { bytes, chunks, sent, exit } }: Taken,
  replacer: SecretReplacer,
): Promise<void> {
  const shown = replacer.bytes(bytes);
  const facts = {
    provider: manifest.id,
    version: manifest.cli.version,
    method: method.id,
    command: method.drive.argv,
    columns,
    rows,
    opened: opened.map((url) => replacer.text(url)),
    sent: replacedKeys(sent, replacer).map(([seconds, keys]) => [seconds, bytesLiteral(keys)]),
    exit,
    chunks_t_len: chunks,
  };
  const json = `${JSON.stringify(facts, undefined, 1)}\n`;
  if (replacer.left(shown) + replacer.left(Buffer.from(json)) > 0) {
    throw new SallyportError(
      'LOGIN_FAILED',
      'The CLI shows a secret in a way that cannot be replaced, so nothing was written.',
      {
        hint: 'Record with more columns, so that no value is broken over lines, and log in at an account made for this.',
      },
    );
  }
  await writeFile(`${out}.bin`, shown);
  await writeFile(`${out}.json`, json);
}

/** A key each, usually: only all together is the value that was typed. */
function replacedKeys(sent: Recording['sent'], replacer: SecretReplacer): Recording['sent'] {
  const all = replacer.text(sent.map(([, keys]) => keys).join(''));
  let start = 0;
  return sent.map(([seconds, keys]) => {
    const replaced = all.slice(start, start + keys.length);
    start += keys.length;
    return [seconds, replaced];
  });
}

/** As Python writes bytes, which is what transcripts hold: `b'\r'`. */
function bytesLiteral(keys: string): string {
  const names: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\', "'": "\\'" };
  const written = Array.from(Buffer.from(keys).toString('latin1'), (character) => {
    const code = character.charCodeAt(0);
    return names[character] ?? (code < 0x20 || code > 0x7e ? `\\x${code.toString(16).padStart(2, '0')}` : character);
  });
  return `b'${written.join('')}'`;
}
