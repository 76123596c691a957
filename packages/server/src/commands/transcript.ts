import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { SallyportError } from '@sallyport/core';
import type { ProviderManifest } from '@sallyport/core/provider';
import { createCliInstaller } from '@sallyport/machines';
import type { Command } from 'commander';

import type { CommandContext } from './context.ts';
import { wholeNumber } from './option-values.ts';

interface TranscriptOptions {
  readonly out: string;
  readonly columns?: number;
  readonly rows?: number;
}

/** `sallyport transcript`: records what a CLI shows during a login, for the tests of its provider. */
export function registerTranscript(program: Command, context: CommandContext): void {
  program
    .command('transcript')
    .description('record what a CLI shows during a login, for the tests of its provider')
    .command('record')
    .description('run the pinned CLI in this terminal with a fresh home, and write what it shows without the secrets')
    .argument('<provider>', 'its id')
    .argument('<method>', 'a login method of the provider')
    .optionsGroup('Options of record:')
    .option('--out <directory>', 'where to write it', '.')
    .option('--columns <n>', 'width of the terminal (default: that of the login method)', wholeNumber(10, 4000))
    .option('--rows <n>', 'height of the terminal (default: that of the login method)', wholeNumber(10, 4000))
    .action(async (provider: string, method: string, options: TranscriptOptions) => {
      context.exitWith(await record(provider, method, options, context));
    });
}

/**
 * Resolves to the exit code. The agent's package does the work in a separate process, which has the terminal. The CLI is
 * installed as for a server.
 */
async function record(
  provider: string,
  method: string,
  { out, columns, rows }: TranscriptOptions,
  context: CommandContext,
): Promise<number> {
  const { providers } = await context.loadConfig();
  const { dataDirectory } = context.environment();
  const manifest = manifestOf(
    providers.map((each) => each.manifest),
    provider,
  );
  const installer = createCliInstaller({ directory: join(dataDirectory, 'clis') });
  const directory = await installer.ensure(manifest.cli, manifest.id, {
    signal: AbortSignal.timeout(INSTALL_MS),
    onProgress: () => {},
  });
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-record-'));
  try {
    const request = join(folder, 'request.json');
    const network = networkOf(context.variables);
    const wanted = { manifest, method, directory, columns, rows, network, out: resolve(out) };
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

/** How the CLI gets to its vendor from here. Everything else of the environment stays outside of the recording. */
function networkOf(environment: CommandContext['variables']): Readonly<Record<string, string>> {
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'];
  const given = names.map((name) => [name, environment[name]] as const);
  return Object.fromEntries(given.flatMap(([name, value]) => (value ? [[name, value] as const] : [])));
}
