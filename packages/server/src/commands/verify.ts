import { SallyportError } from '@sallyport/core';

import { hasPassed, renderTable } from '../verify/report.ts';
import { verifyProvider } from '../verify/verify-provider.ts';

export interface VerifyArguments {
  readonly configFile: string;
  readonly cliVersion: string | undefined;
  readonly latest: string | undefined;
  readonly directory: string | undefined;
}

export const verifyUsage = 'sallyport providers verify ID [--cli-version V | --latest N] [--directory DIRECTORY]';

/** Prints what each release of a provider's CLI does, and resolves to whether all of it works. */
export async function verifyCommand(
  words: readonly string[],
  given: VerifyArguments,
  print: (text: string) => void,
): Promise<boolean> {
  const [provider, ...rest] = words;
  if (provider === undefined || rest.length > 0) {
    throw new SallyportError('CONFIG_INVALID', `There is no command "providers verify ${words.join(' ')}".`, {
      hint: `Usage: ${verifyUsage}`,
    });
  }
  const stopped = new AbortController();
  const stop = (): void => stopped.abort(new SallyportError('LOGIN_CANCELLED', 'The verification was stopped.'));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  const reports = await verifyProvider({
    configFile: given.configFile,
    provider,
    releases: chooseReleases(given),
    clisDirectory: given.directory,
    signal: stopped.signal,
    onProgress: (message) => console.error(message),
  });
  for (const { title, package: name } of reports.slice(0, 1)) print(`${title} (${name}) against a fake vendor\n`);
  print(renderTable(reports));
  return reports.every(hasPassed);
}

function chooseReleases({ cliVersion, latest }: VerifyArguments): { readonly latest: number } | readonly string[] {
  if (cliVersion !== undefined && latest !== undefined) {
    throw invalid('--cli-version and --latest exclude each other.');
  }
  if (latest !== undefined) {
    if (!/^[1-9]\d?$/.test(latest)) throw invalid(`--latest is "${latest}"; it must be a number from 1 to 99.`);
    return { latest: Number(latest) };
  }
  if (cliVersion === undefined) return [];
  if (!/^\d+\.\d+\.\d+$/.test(cliVersion)) {
    throw invalid(`--cli-version is "${cliVersion}"; it must be an exact version such as 1.2.3.`);
  }
  return [cliVersion];
}

function invalid(message: string): SallyportError {
  return new SallyportError('CONFIG_INVALID', message, { hint: `Usage: ${verifyUsage}` });
}
