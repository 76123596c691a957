import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { cliPrograms } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';

import { removeTree } from '../host/remove-tree.ts';
import { hasCode } from '../host/safe-directory.ts';
import { checkProgram, makeExecutable } from './installed-program.ts';
import { clearLeftovers, noteInstaller, removeNote, UNFINISHED } from './leftovers.ts';
import { checkLockfile } from './lockfile.ts';
import type { PinnedCli } from './lockfile.ts';
import { openNpmEgress } from './npm-egress.ts';
import { npmSandbox } from './npm-sandbox.ts';
import type { ProbedSandbox } from '../host/probed-sandbox.ts';
import { findNpm } from './npm.ts';
import { askSettings } from './releases.ts';
import { makeReadable } from './readable-tree.ts';
import { runNpm } from './run-npm.ts';
import { createSharedWork } from './shared-work.ts';
import type { SharedWorkOptions } from './shared-work.ts';

export interface CliInstallerOptions {
  /** CLIs are installed below it, one directory for each provider and version. */
  readonly directory: string;
  /** The npm to run. Default: the one beside this Node, else the first in PATH. */
  readonly npm?: string;
  /** What keeps npm from this host. Default: bubblewrap, where it works. */
  readonly sandbox?: ProbedSandbox;
}

export interface CliInstaller {
  /** The directory of a provider's pinned CLI, installed if need be. One installation at a time for each version. */
  ensure(this: void, cli: PinnedCli, provider: string, options: SharedWorkOptions): Promise<string>;
  /** The same directory where it is whole already; installs nothing. */
  find(this: void, cli: PinnedCli, provider: string): Promise<string | undefined>;
  /** Clears away what a server that died was installing. Call it once, before the first installation. */
  clearLeftovers(this: void, clock: Clock): Promise<void>;
}

const COMPLETE = '.sallyport-complete';

/** Puts the unmodified CLI of a provider on this host: the version and hashes of its manifest, no install scripts. */
export function createCliInstaller(options: CliInstallerOptions): CliInstaller {
  const flights = createSharedWork<string>();

  function placeOf(cli: PinnedCli, provider: string) {
    const hash = createHash('sha256')
      .update(JSON.stringify([cli.package, cli.lockfile]))
      .digest('hex');
    const name = `${provider}-${cli.version}-${hash.slice(0, 12)}`;
    return { programs: programsOf(cli), hash, name, directory: join(options.directory, name) };
  }

  async function find(cli: PinnedCli, provider: string): Promise<string | undefined> {
    if (cliPrograms(cli, platform).length === 0) return undefined;
    const { programs, hash, directory } = placeOf(cli, provider);
    return (await isComplete(directory, programs, hash)) ? directory : undefined;
  }

  async function ensure(cli: PinnedCli, provider: string, caller: SharedWorkOptions): Promise<string> {
    const { programs, hash, name, directory } = placeOf(cli, provider);
    if (await isComplete(directory, programs, hash)) {
      return directory;
    }
    return flights.join(name, caller, (signal, onProgress) =>
      install({ cli, provider, programs, hash, directory, signal, onProgress }),
    );
  }

  async function install(job: InstallJob): Promise<string> {
    const { cli, provider, directory, hash, programs } = job;
    const npm = options.npm ?? (await findNpm());
    if (npm === undefined) {
      throw missing(cli, 'npm was not found in PATH or beside Node', {
        hint: 'Install npm, for instance from nodejs.org.',
      });
    }
    const sandbox = options.sandbox ?? (await npmSandbox());
    const { packageJson, packageCount } = await checkLockfile(cli, provider, () =>
      askSettings({ npm, sandbox, signal: job.signal }),
    );
    job.onProgress(`Installing ${cli.package} ${cli.version} from npm.`);
    await mkdir(options.directory, { recursive: true, mode: 0o755 });
    const egress = await openNpmEgress({ npm, sandbox, signal: job.signal, onProblem: job.onProgress });
    const temporary = `${directory}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
    try {
      await mkdir(temporary, { mode: 0o755 });
      await noteInstaller(temporary);
      await writeFile(join(temporary, 'package.json'), packageJson);
      await writeFile(join(temporary, 'package-lock.json'), cli.lockfile);
      const problem = await runNpm({
        ...job,
        npm,
        directory: temporary,
        cache: join(options.directory, '.npm-cache'),
        packageCount,
        sandbox,
        egress,
      });
      job.signal.throwIfAborted();
      if (problem !== undefined) {
        throw missing(cli, 'npm could not install it', { details: { npm: problem }, hint: problem });
      }
      await makeReadable(temporary);
      await makeExecutable(temporary, programs);
      const wrong = await checkProgram(temporary, programs);
      if (wrong !== undefined) {
        throw missing(cli, wrong, { hint: 'Name in `cli.bin` of its manifest where this release has its program.' });
      }
      await removeNote(temporary);
      await writeFile(join(temporary, COMPLETE), hash);
      await putInPlace(temporary, directory, () => isComplete(directory, programs, hash));
      return directory;
    } finally {
      await egress?.close();
      await removeTree(temporary);
    }
  }

  return { ensure, find, clearLeftovers: (clock) => clearLeftovers(options.directory, clock) };
}

interface InstallJob {
  readonly cli: PinnedCli;
  readonly provider: string;
  readonly programs: readonly string[];
  readonly hash: string;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string, fraction?: number) => void;
}

const platform = `${process.platform}-${process.arch}`;

function programsOf(cli: PinnedCli): readonly string[] {
  const programs = cliPrograms(cli, platform);
  if (programs.length === 0) {
    throw missing(cli, `its manifest names no program for ${platform}`, { hint: 'Use a host of another kind.' });
  }
  return programs;
}

async function isComplete(directory: string, programs: readonly string[], hash: string): Promise<boolean> {
  try {
    if ((await checkProgram(directory, programs)) !== undefined) return false;
    return (await readFile(join(directory, COMPLETE), 'utf8')) === hash;
  } catch {
    return false;
  }
}

/** Another server may install the same version at the same time: the first one wins, and both have it. */
async function putInPlace(temporary: string, directory: string, isWhole: () => Promise<boolean>): Promise<void> {
  try {
    await rename(temporary, directory);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) {
      throw error;
    }
    if (!(await isWhole())) {
      await removeTree(directory);
      await rename(temporary, directory);
    }
  }
}

function missing(
  cli: PinnedCli,
  problem: string,
  init: ConstructorParameters<typeof SallyportError>[2],
): SallyportError {
  return new SallyportError(
    'PROVIDER_CLI_MISSING',
    `The CLI ${cli.package} ${cli.version} is missing: ${problem}.`,
    init,
  );
}
