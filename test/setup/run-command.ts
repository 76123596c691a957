import { createProgram } from '../../packages/server/src/commands/program.ts';

type Program = ReturnType<typeof createProgram>;

/**
 * Runs a `sallyport` command in this process. Where the real one would print a usage error and exit, this rejects with it.
 * The context receives the command line without flags.
 */
export async function runCommand<Context>(
  register: (program: Program, context: Context) => void,
  args: readonly string[],
  context: (words: readonly string[]) => Context,
): Promise<void> {
  const program = createProgram().configureOutput({ writeErr: () => undefined });
  register(program, context(program.parseOptions([...args]).operands));
  await program.parseAsync(args, { from: 'user' });
}
