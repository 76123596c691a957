#!/usr/bin/env node
import { parseArgs } from 'node:util';

import { agentBundle } from '@sallyport/agent';
import { SallyportError, systemClock } from '@sallyport/core';

import { apiKeysCommand, apiKeysUsage } from './commands/api-keys.ts';
import { auditCommand, auditUsage } from './commands/audit.ts';
import { capacityCommand, capacityUsage } from './commands/capacity.ts';
import { imagesCommand, imagesUsage } from './commands/images.ts';
import { masterKeyCommand, masterKeyUsage } from './commands/master-key.ts';
import { withStore } from './commands/open-store.ts';
import { migrationsCommand, migrationsUsage } from './commands/migrations.ts';
import { persistenceCommand, persistenceUsage } from './commands/persistence.ts';
import { providersCommand, providersUsage } from './commands/providers.ts';
import { transcriptCommand, transcriptUsage } from './commands/transcript.ts';
import { verifyCommand, verifyUsage } from './commands/verify.ts';
import { qemuSettings } from './config/choose-driver.ts';
import { doctor, firecrackerDoctor, qemuDoctor } from './commands/doctor.ts';
import { readEnvironment } from './config/environment.ts';
import type { ServerEnvironment } from './config/environment.ts';
import { loadConfig } from './config/load-config.ts';
import { serve } from './app/serve.ts';

const usage = `Usage: sallyport [serve] [--demo] [--config FILE]
       sallyport doctor [firecracker|qemu]
       ${providersUsage}
       ${verifyUsage}
       ${transcriptUsage}
       ${imagesUsage}
       ${persistenceUsage}
       ${capacityUsage}
       ${migrationsUsage}
       ${masterKeyUsage}
       ${apiKeysUsage}
       ${auditUsage}

  serve       run the server (default)
  doctor      print what this host has and lacks, each with its fix; with "firecracker" or "qemu", for machines of that kind
  providers   list the providers, or switch one off or on while servers run, or verify one: install its CLI
              in a clean place and take it through every login method, a prompt, a refresh and a logout against a
              fake vendor; the pinned version, another one, or the newest N
  transcript  record what a CLI shows during a login, for the tests of its provider
  images      build, list or verify the golden images of virtual machines: the system of a CLI machine, of a browser
              machine, and the kernel (Debian's, or with --source one compiled here); --refresh builds with the
              packages of today
  persistence write files in a machine of the configured driver, put it to sleep, wake it, kill it and boot it, N times
              (default 20), and say of every file whether it is as it was written. The server must not run meanwhile
  capacity    say how many users' machines this host and another one (default 20 cores, 62 GB, 100 GB of disk) hold,
              and what limits it; with "measure", start a few machines (default 3) of the configured driver, keep what
              each takes in the data directory, and remove them. The server must not run while that is measured
  migrations  bring the database of DATABASE_URL to the newest schema, as the server does when it starts, or write the
              same migrations as files for a Supabase project (supabase/migrations)
  master-key  list the master keys and say which are in use, or replace the current one while servers run: makes a key and
              rewraps every stored credential under it. Run it again if it was interrupted. On a database that other
              servers may use (DATABASE_URL, SUPABASE_URL), the first run makes the key, and --copied says that it is
              on all servers now
  api-keys    list, make or revoke the keys with which backends call the HTTP API: "service" acts for every user,
              "admin" may also read what concerns the whole server, such as /metrics. A new key is printed once
  audit       list who did what and when, the newest first: of one user, of one type, from a time on; --limit N (default 50)
              entries, as text or with --json as one JSON object a line
  --demo      use sallyport.demo.config.ts: the real CLIs, fake vendors, no account needed
  --config    use another configuration file (default sallyport.config.ts)

Environment: PORT, HOST, SALLYPORT_PUBLIC_URL, SALLYPORT_DATA_DIR, DATABASE_URL, SUPABASE_URL,
SUPABASE_SERVICE_ROLE_KEY, LOG_LEVEL`;

async function run(): Promise<void> {
  const { values, positionals } = readArguments();
  const [command = 'serve', ...rest] = positionals;
  if (values.help) {
    console.log(usage);
    return;
  }
  const configFile = values.config ?? (values.demo ? 'sallyport.demo.config.ts' : 'sallyport.config.ts');
  if (command === 'providers' && rest[0] === 'verify') {
    const { latest, directory, 'cli-version': cliVersion } = values;
    const works = await verifyCommand(rest.slice(1), { configFile, cliVersion, latest, directory }, console.log);
    if (!works) process.exitCode = 1;
    return;
  }
  const dataDirectory = values.demo ? '.sallyport/demo' : '.sallyport/data';
  const given = process.env['SALLYPORT_DATA_DIR'] || dataDirectory;
  if (command === 'transcript') {
    const { providers } = await loadConfig(configFile);
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    const { out, columns, rows } = values;
    process.exitCode = await transcriptCommand(rest, {
      manifests: providers.map(({ manifest }) => manifest),
      dataDirectory: environment.dataDirectory,
      environment: process.env,
      options: { out, columns, rows },
    });
    return;
  }
  if (command === 'images') {
    const { providers } = await loadConfig(configFile);
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort(new Error('Interrupted.')));
    await imagesCommand(rest, {
      manifests: providers.map(({ manifest }) => manifest),
      dataDirectory: environment.dataDirectory,
      node: agentBundle().node,
      clock: systemClock,
      signal: stop.signal,
      print: (line) => console.log(line),
      options: { refresh: values.refresh, source: values.source },
    });
    return;
  }
  if (command === 'persistence') {
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort(new Error('Interrupted.')));
    const isKept = await persistenceCommand(rest, {
      config: await loadConfig(configFile),
      dataDirectory: environment.dataDirectory,
      clock: systemClock,
      signal: stop.signal,
      print: (line) => console.log(line),
      cycles: values.cycles,
    });
    if (!isKept) process.exitCode = 1;
    return;
  }
  if (command === 'capacity') {
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort(new Error('Interrupted.')));
    const { cores, memory, disk, machines } = values;
    await capacityCommand(rest, {
      config: await loadConfig(configFile),
      dataDirectory: environment.dataDirectory,
      clock: systemClock,
      signal: stop.signal,
      print: (line) => console.log(line),
      options: { cores, memory, disk, machines },
    });
    return;
  }
  if (command === 'migrations') {
    const { database } = readEnvironment(process.env, process.cwd());
    await migrationsCommand(rest, { database, print: (line) => console.log(line) });
    return;
  }
  if (command === 'master-key') {
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    await withStore(environment, async (store) => {
      const isComplete = await masterKeyCommand(rest, {
        dataDirectory: environment.dataDirectory,
        store,
        isShared: environment.database.kind !== 'embedded',
        isCopied: values.copied === true,
        clock: systemClock,
        print: (line) => console.log(line),
      });
      if (!isComplete) process.exitCode = 1;
    });
    return;
  }
  if (command === 'api-keys') {
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    await withStore(environment, (store) =>
      apiKeysCommand(rest, { store, clock: systemClock, role: values.role, print: (line) => console.log(line) }),
    );
    return;
  }
  if (command === 'audit') {
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    const { user, type, since, limit, json } = values;
    await withStore(environment, (store) =>
      auditCommand(rest, {
        audit: store.audit,
        options: { user, type, since, limit, json },
        print: (line) => console.log(line),
      }),
    );
    return;
  }
  if (command === 'providers') {
    const config = await loadConfig(configFile);
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    await withStore(environment, (store) =>
      providersCommand(rest, {
        manifests: config.providers.map(({ manifest }) => manifest),
        policy: { deployment: config.deployment, acceptedTerms: config.acceptedTerms },
        store,
        clock: systemClock,
        print: (line) => console.log(line),
      }),
    );
    return;
  }
  if (command === 'doctor' && ['', 'firecracker', 'qemu'].includes(rest.join(' '))) {
    const environment = readEnvironment({ ...process.env, SALLYPORT_DATA_DIR: given }, process.cwd());
    if (!(await runDoctor(rest[0], environment, configFile))) process.exitCode = 1;
    return;
  }
  if (rest.length > 0 || command !== 'serve') {
    throw new SallyportError('CONFIG_INVALID', `There is no command "${positionals.join(' ')}".`, { hint: usage });
  }
  if (!(await serve({ configFile, dataDirectory, environment: process.env }))) process.exitCode = 1;
}

async function runDoctor(kind: string | undefined, environment: ServerEnvironment, configFile: string) {
  if (kind === 'firecracker') return firecrackerDoctor(environment.dataDirectory);
  if (kind === undefined) return doctor(environment, configFile);
  const settings = await loadConfig(configFile).then(({ driver }) => qemuSettings(driver));
  return qemuDoctor(environment, settings ?? { kind: 'qemu' });
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        demo: { type: 'boolean' },
        config: { type: 'string' },
        copied: { type: 'boolean' },
        cores: { type: 'string' },
        disk: { type: 'string' },
        machines: { type: 'string' },
        memory: { type: 'string' },
        'cli-version': { type: 'string' },
        latest: { type: 'string' },
        directory: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        limit: { type: 'string' },
        out: { type: 'string' },
        columns: { type: 'string' },
        cycles: { type: 'string' },
        role: { type: 'string' },
        rows: { type: 'string' },
        refresh: { type: 'boolean' },
        since: { type: 'string' },
        source: { type: 'boolean' },
        type: { type: 'string' },
        user: { type: 'string' },
      },
    });
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new SallyportError('CONFIG_INVALID', `${reason}.`, { hint: usage });
  }
}

try {
  await run();
  process.exit();
} catch (error) {
  if (SallyportError.isInstance(error)) console.error(`${error.message}\n${error.hint}`);
  else console.error(error);
  process.exit(1);
}
