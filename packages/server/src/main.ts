#!/usr/bin/env node
import { SallyportError } from '@sallyport/core';
import { CommanderError } from 'commander';

import { registerApiKeys } from './commands/api-keys.ts';
import { registerAudit } from './commands/audit.ts';
import { registerBackup } from './commands/backup.ts';
import { registerCapacity } from './commands/capacity.ts';
import { createContext } from './commands/context.ts';
import { registerCredentials } from './commands/credentials.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerImages } from './commands/images.ts';
import { registerMasterKey } from './commands/master-key.ts';
import { registerMigrations } from './commands/migrations.ts';
import { registerPersistence } from './commands/persistence.ts';
import { createProgram } from './commands/program.ts';
import { registerProviders } from './commands/providers.ts';
import { registerServe } from './commands/serve.ts';
import { registerTranscript } from './commands/transcript.ts';

/** In the order of the help. */
const commands = [
  registerServe,
  registerDoctor,
  registerProviders,
  registerCredentials,
  registerTranscript,
  registerImages,
  registerPersistence,
  registerCapacity,
  registerMigrations,
  registerBackup,
  registerMasterKey,
  registerApiKeys,
  registerAudit,
];

try {
  const args = process.argv.slice(2);
  const program = createProgram();
  const context = createContext(program, args);
  for (const register of commands) register(program, context);
  await program.parseAsync(args, { from: 'user' });
  process.exit();
} catch (error) {
  // Help and version come as errors too. What is wrong with the command line has been printed.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  if (SallyportError.isInstance(error)) console.error(`${error.message}\n${error.hint}`);
  else console.error(error);
  process.exit(1);
}
