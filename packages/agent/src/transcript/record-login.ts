import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { manifestSchema } from '@sallyport/core/provider';
import type { Clock } from '@sallyport/core';
import type { ScreenView } from '@sallyport/core/engine';
import type { LoginMethod } from '@sallyport/core/protocol';
import type { CredentialItem, ProviderManifest } from '@sallyport/core/provider';
import { z } from 'zod';

import { cliCommand } from '../cli/cli-command.ts';
import { cliEnvironment } from '../cli/cli-environment.ts';
import { settingsOf, writeSettings } from '../cli/settings.ts';
import { readHomeFile } from '../credentials/credential-file.ts';
import { installBrowserShim } from '../login/browser-shim.ts';
import { createScreen } from '../terminal/screen.ts';
import { findSecrets } from './find-secrets.ts';
import { recordConversation } from './record-conversation.ts';
import type { Conversation } from './record-conversation.ts';
import { recordTerminal } from './record.ts';
import type { Recording } from './record.ts';
import { checkFiles, writeFiles } from './recording-files.ts';
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
  /** The CLI gets a terminal, so each key is its own from now on. A login that is driven by messages reads lines. */
  readonly onTerminal?: () => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Lets a user log in with the CLI in a new home, and writes the recording without its secrets. Resolves to the paths
 * of the files: a `.bin` and a `.json` of a login in a terminal, a `.jsonl` of one that is driven by messages.
 *
 * @throws {SallyportError} LOGIN_METHOD_UNAVAILABLE; CONFIG_INVALID where `out` cannot take new files. Both before the
 *   CLI starts. LOGIN_FAILED where a secret remains.
 */
export async function recordLogin(request: RecordLogin, options: RecordLoginOptions): Promise<readonly string[]> {
  const { manifest } = request;
  const { cli } = manifest;
  const method = methodOf(request);
  const { drive } = method;
  const [columns, rows] = drive.kind === 'terminal' ? [drive.columns, drive.rows] : [0, 0];
  const size = { columns: request.columns ?? columns, rows: request.rows ?? rows };
  const out = join(request.out, `${manifest.id}-${cli.version}-${method.id}`);
  const terminal = `${out}-${size.columns}x${size.rows}`;
  const paths = drive.kind === 'terminal' ? [`${terminal}.bin`, `${terminal}.json`] : [`${out}.jsonl`];
  await checkFiles(paths);
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-record-'));
  try {
    const home = join(folder, 'home');
    const runtime = join(folder, 'run');
    await mkdir(home, { mode: 0o700 });
    await mkdir(join(runtime, 'tmp'), { recursive: true, mode: 0o700 });
    await writeSettings(home, settingsOf(cli, method));
    const shim = await installBrowserShim(runtime);
    const opened: string[] = [];
    shim.listen((url) => {
      opened.push(url);
      options.onOpened(url);
    });
    const program = cliCommand({ [manifest.id]: request.directory }, manifest.id, cli, drive.argv);
    const surroundings = { runtime, proxyPort: undefined, trust: undefined };
    const env = { ...cliEnvironment(surroundings, home, cli.env, drive.env ?? {}), ...request.network };
    const command = { ...program, env, cwd: home };
    const login = { manifest, method, home, opened };
    const { keys, clock, signal } = options;
    if (drive.kind === 'terminal') options.onTerminal?.();
    const files =
      drive.kind === 'terminal'
        ? await terminalFiles(terminal, {
            ...login,
            ...size,
            recording: await recordTerminal({ ...options, command: { ...command, ...size } }),
          })
        : await conversationFiles(paths, {
            ...login,
            conversation: await recordConversation({
              method,
              command,
              home,
              shim,
              keys,
              clock,
              signal,
              credentials: manifest.credentials,
              show: (text) => options.show(Buffer.from(text)),
            }),
          });
    shim.close();
    await writeFiles(files);
    return paths;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function methodOf({ manifest, method }: RecordLogin): LoginMethod {
  const found = manifest.logins.find(({ id }) => id === method);
  if (found) return found;
  throw new SallyportError(
    'LOGIN_METHOD_UNAVAILABLE',
    `The provider ${manifest.id} has no login method ${JSON.stringify(method)}.`,
    { hint: `Choose one of ${manifest.logins.map(({ id }) => id).join(', ')}.` },
  );
}

/** A login that was recorded. */
interface RecordedLogin {
  readonly manifest: ProviderManifest;
  readonly method: LoginMethod;
  readonly home: string;
  readonly opened: readonly string[];
}

interface TerminalLogin extends RecordedLogin {
  readonly columns: number;
  readonly rows: number;
  readonly recording: Recording;
}

async function terminalFiles(path: string, login: TerminalLogin): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const { manifest, method, columns, rows, opened, recording } = login;
  const { bytes, chunks, sent, exit } = recording;
  const replacer = await terminalReplacer(login);
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
  if (replacer.left(shown) + replacer.left(Buffer.from(json)) > 0) throw unreplaceable();
  return new Map<string, string | Uint8Array>([
    [`${path}.bin`, shown],
    [`${path}.json`, json],
  ]);
}

async function terminalReplacer({ columns, rows, recording, ...login }: TerminalLogin): Promise<SecretReplacer> {
  const { bytes, sent } = recording;
  const screen = createScreen({ columns, rows, maxBytes: bytes.length });
  try {
    await screen.write(bytes);
    return await replacerFor(login, sent.map(([, keys]) => keys).join(''), bytes, screen.view());
  } finally {
    screen.dispose();
  }
}

interface MessageLogin extends RecordedLogin {
  readonly conversation: Conversation;
}

async function conversationFiles(
  [path = '']: readonly string[],
  { conversation, ...login }: MessageLogin,
): Promise<ReadonlyMap<string, string>> {
  const { entries, typed, view } = conversation;
  const printed = Buffer.from(entries.map(({ line }) => line).join('\n'));
  const replacer = await replacerFor(login, typed, printed, view);
  const replaced = entries.map(({ from, line }) => ({ from, line: replacer.text(line) }));
  if (replacer.left(Buffer.from(replaced.map(({ line }) => line).join('\n'))) > 0) throw unreplaceable();
  return new Map([[path, replaced.map((entry) => `${JSON.stringify(entry)}\n`).join('')]]);
}

async function replacerFor(
  { manifest, method, home, opened }: RecordedLogin,
  typed: string,
  printed: Uint8Array,
  screen: ScreenView,
): Promise<SecretReplacer> {
  const credentials = await readCredentials(manifest.credentials, home);
  return createSecretReplacer(findSecrets({ method, credentials, typed, opened, printed, screen }), randomBytes(32));
}

function unreplaceable(): SallyportError {
  return new SallyportError(
    'LOGIN_FAILED',
    'The CLI shows a secret in a way that cannot be replaced, so nothing was written.',
    {
      hint: 'Record with more columns, so that no value is broken over lines, and log in at an account made for this.',
    },
  );
}

async function readCredentials(items: readonly CredentialItem[], home: string): Promise<readonly string[]> {
  const paths = items.flatMap((item) => (item.as === 'file' ? [item.paths.browser] : []));
  const readings = await Promise.all(paths.map((path) => readHomeFile(home, path)));
  return readings.flatMap((reading) => (reading.type === 'text' ? [reading.text] : []));
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
