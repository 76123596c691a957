import { join, relative, resolve } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { parseProviderName, writeProvider } from './write-provider.ts';

/** Where the command runs, and how it is called there. */
export interface CreateCommand {
  readonly command: string;
  readonly directory: string;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

/** Writes the package that the words ask for, or says why not. Resolves to the exit code. */
export async function createCommand(words: readonly string[], at: CreateCommand): Promise<number> {
  const usage = `Usage: ${at.command} NAME [DIRECTORY], for instance ${at.command} my-cli`;
  if (words.includes('--help') || words.includes('-h')) {
    at.print(usage);
    return 0;
  }
  try {
    const [given, folder, ...rest] = words;
    if (given === undefined || rest.length > 0 || words.some((word) => word.startsWith('-'))) {
      const wrong =
        given === undefined ? 'A provider needs a name.' : `"${words.join(' ')}" is not a name and a directory.`;
      throw new SallyportError('CONFIG_INVALID', wrong, { hint: usage });
    }
    const name = parseProviderName(given);
    const target = resolve(at.directory, folder ?? name.package);
    await writeProvider(name, target);
    for (const line of nextSteps(relative(at.directory, target))) at.print(line);
    return 0;
  } catch (error) {
    if (!SallyportError.isInstance(error)) throw error;
    at.complain(`${error.message}\n${error.hint}`);
    return 1;
  }
}

function nextSteps(folder: string): readonly string[] {
  return [
    `Wrote a provider to ${folder}. Its recordings are of a fake CLI; see that they pass:`,
    '',
    `  cd ${folder}`,
    '  npm install',
    '  npm test',
    '',
    `Then ${join(folder, 'README.md')} says how to put your CLI in place of it.`,
  ];
}
