import { createRequire } from 'node:module';

import { Command, Help } from 'commander';
import type { Option } from 'commander';

const about = `Runs a server with which users connect the coding CLI they already pay for to a machine in your product.`;

const environment = `
Environment: PORT, HOST, SALLYPORT_PUBLIC_URL, SALLYPORT_DATA_DIR, DATABASE_URL,
SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY, LOG_LEVEL`;

/** The `sallyport` command before its subcommands are registered. It throws a `CommanderError` where others exit. */
export function createProgram(): Command {
  return (
    new Command('sallyport')
      .description(about)
      .version(String(createRequire(import.meta.url)('@sallyport/server/package.json').version), '--version')
      .option('--demo', 'use sallyport.demo.config.ts: the real CLIs, fake vendors, no account needed')
      .option('--config <file>', 'use another configuration file (default: sallyport.config.ts)')
      .addHelpText('afterAll', environment)
      .showHelpAfterError('Run `sallyport --help`, or `sallyport COMMAND --help` for one command.')
      // The help of a command with subcommands lists the flags of all of them, under the name of each.
      .configureHelp({
        showGlobalOptions: true,
        // Only here: commander would take them for flags of the command itself when it looks for the nearest.
        formatHelp: (command, helper) =>
          Help.prototype.formatHelp.call(helper, command, Object.assign(helper, { visibleOptions: optionsOf })),
      })
      .helpOption('--help', 'show this, or after a command, how to use that')
      .exitOverride()
  );
}

function optionsOf(command: Command): Option[] {
  const subcommands = command.parent ? command.commands : [];
  return [...new Help().visibleOptions(command), ...subcommands.flatMap(({ options }) => options)];
}
