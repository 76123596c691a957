import type { Command } from 'commander';

import { serve } from '../app/serve.ts';
import { defaultUnlessNamed } from './context.ts';
import type { CommandContext } from './context.ts';

/** `sallyport serve`: runs the server. It is what `sallyport` alone does. */
export function registerServe(program: Command, context: CommandContext): void {
  program
    .command('serve', defaultUnlessNamed(context, 0))
    .description('run the server (default)')
    .action(async () => {
      const options = {
        configFile: context.configFile(),
        dataDirectory: context.dataDirectory(),
        environment: context.variables,
      };
      if (!(await serve(options))) context.exitWith(1);
    });
}
