import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Provider } from '@sallyport/core/provider';

import { fakeCliProgram } from './program.ts';
import { createFakeProvider, fakeCliExecutable } from './provider.ts';
import type { FakeCliScript } from './script.ts';

export interface FakeCli {
  /** The directory to show to a machine as the CLI's installation. */
  readonly directory: string;
  readonly executable: string;
  readonly provider: Provider;
}

/**
 * Writes a CLI that logs in and answers like a vendor's, but in milliseconds and without a vendor.
 *
 * @param node The Node executable that runs it, as the machine sees it. Default: the one running now.
 */
export async function writeFakeCli(
  directory: string,
  script: FakeCliScript = {},
  node: string = process.execPath,
): Promise<FakeCli> {
  const executable = join(directory, fakeCliExecutable);
  await mkdir(dirname(executable), { recursive: true });
  await writeFile(join(dirname(executable), 'package.json'), '{"name":"fake-cli","version":"1.0.0","type":"module"}\n');
  await writeFile(executable, `#!${node}\nawait (${fakeCliProgram.toString()})(${JSON.stringify(script)});\n`);
  await chmod(executable, 0o755);
  return { directory, executable, provider: createFakeProvider(script) };
}
