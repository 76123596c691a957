import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { SallyportError } from '@sallyport/core';
import type { ProviderManifest } from '@sallyport/core';
import { createCliInstaller } from '@sallyport/machines';

/** What `sallyport transcript` works with. */
export interface TranscriptCommand {
  readonly manifests: readonly ProviderManifest[];
  /** The CLI is installed there, as for a server. */
  readonly dataDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** As they were given on the command line. */
  readonly options: {
    readonly out?: string | undefined;
    readonly columns?: string | undefined;
    readonly rows?: string | undefined;
  };
}

export const transcriptUsage = 'sallyport transcript record PROVIDER METHOD [--out DIRECTORY] [--columns N] [--rows N]';

/**
 * Runs the pinned CLI in this terminal with a fresh home, and writes what it shows without the secrets.
 * Resolves to the exit code. The agent's package does the work in a separate process, which has the terminal.
 */
export async function transcriptCommand(words: readonly string[], command: TranscriptCommand): Promise<number> {
  const [action, provider, method, ...rest] = words;
  if (action !== 'record' || provider === undefined || method === undefined || rest.length > 0) {
    throw new SallyportError('CONFIG_INVALID', `There is no command "transcript ${words.join(' ')}".`, {
      hint: `Usage: ${transcriptUsage}`,
    });
  }
  const { manifests, dataDirectory, environment, options } = command;
  const manifest = manifestOf(manifests, provider);
  const columns = sizeOf('--columns', options.columns);
  const rows = sizeOf('--rows', options.rows);
  const installer = createCliInstaller({ directory: join(dataDirectory, 'clis') });
  const directory = await installer.ensure(manifest.cli, manifest.id, {
    signal: AbortSignal.timeout(INSTALL_MS),
    onProgress: () => {},
  });
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-record-'));
  try {
    const request = join(folder, 'request.json');
    const out = resolve(options.out ?? '.');
    const network = networkOf(environment);
    const wanted = { manifest, method, directory, columns, rows, network, out };
    await writeFile(request, JSON.stringify(wanted), { mode: 0o600 });
    return await runRecorder(request);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const INSTALL_MS = 10 * 60_000;

async function runRecorder(request: string): Promise<number> {
  const bundle = agentBundle();
  const child = spawn(bundle.node, [join(bundle.directory, 'record.js'), request], { stdio: 'inherit' });
  // The terminal tells both of an interrupt; the recorder is the one to end, and this then follows.
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, forward);
  const [code]: (number | null)[] = await once(child, 'exit');
  for (const signal of signals) process.off(signal, forward);
  return code ?? 1;
}

function manifestOf(manifests: readonly ProviderManifest[], name: string): ProviderManifest {
  const found = manifests.find(({ id, aliases }) => id === name || aliases.includes(name));
  if (found) return found;
  throw new SallyportError('PROVIDER_UNKNOWN', `There is no provider ${JSON.stringify(name)} in the configuration.`, {
    hint: `It has ${manifests.map(({ id }) => id).join(', ') || 'none'}.`,
  });
}

function sizeOf(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const size = Number(given);
  if (Number.isInteger(size) && size >= 10 && size <= 4000) return size;
  throw new SallyportError('CONFIG_INVALID', `${name} must be a whole number from 10 to 4000.`, {
    hint: `Usage: ${transcriptUsage}`,
  });
}

/** How the CLI gets to its vendor from here. Everything else of the environment stays outside of the recording. */
function networkOf(environment: TranscriptCommand['environment']): Readonly<Record<string, string>> {
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'];
  const given = names.map((name) => [name, environment[name]] as const);
  return Object.fromEntries(given.flatMap(([name, value]) => (value ? [[name, value] as const] : [])));
}
