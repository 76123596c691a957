import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';

import { SallyportError } from '@sallyport/core';
import { bootConfigSchema } from '@sallyport/core/protocol';
import type { BootConfig } from '@sallyport/core/protocol';

/** A boot configuration holds a certificate at most; anything longer is something else. */
const LONGEST_CONFIG = 256 * 1024;

/** Reads the configuration from a file, or for `-` from the first line of the input. */
export async function readBootConfig(source: string, input: Readable): Promise<BootConfig> {
  const text = source === '-' ? await readFirstLine(input) : await readFile(source, 'utf8');
  return parseBootConfig(text);
}

export interface FollowOptions {
  /** The configuration that the agent was started with. */
  readonly started: BootConfig;
  readonly onChange: (boot: BootConfig) => void;
  readonly onProblem: (error: unknown) => void;
}

/**
 * Reads the file again each time another one is put in its place: the host has woken the machine. One that was put there
 * since the agent was started counts too.
 */
export function followBootConfig(path: string, { started, onChange, onProblem }: FollowOptions): void {
  const read = (isWanted: (boot: BootConfig) => boolean): void => {
    const take = (boot: BootConfig): void => {
      if (isWanted(boot)) onChange(boot);
    };
    readFile(path, 'utf8').then(parseBootConfig).then(take).catch(onProblem);
  };
  const watcher = watch(dirname(path), (_kind, name) => {
    if (name === basename(path)) read(() => true);
  });
  watcher.on('error', onProblem);
  read((boot) => !isDeepStrictEqual(boot, started));
}

function parseBootConfig(text: string): BootConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The text holds the token, so the parser's own message, which quotes it, is left out.
    throw new SallyportError('CONFIG_INVALID', 'The boot configuration is not JSON.');
  }
  const parsed = bootConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'top level'}: ${issue.message}`);
  throw new SallyportError('CONFIG_INVALID', `The boot configuration is wrong: ${problems.join('; ')}.`);
}

/** Leaves the input open, and flowing: its end means that the program that started the agent is gone. */
function readFirstLine(input: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (error?: SallyportError): void => {
      input.off('data', take).off('end', ended).off('error', ended);
      input.resume();
      if (error) reject(error);
      else resolve(Buffer.concat(chunks).toString('utf8').split('\n', 1)[0] ?? '');
    };
    const ended = (): void => finish();
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > LONGEST_CONFIG) finish(new SallyportError('CONFIG_INVALID', 'The boot configuration is too long.'));
      else if (chunk.includes('\n')) finish();
    };
    input.on('data', take).on('end', ended).on('error', ended);
  });
}
