import type { Snapshot } from './probe-cli.ts';

/** What is not as it was, one sentence a file. */
export function compareSnapshots(expected: Snapshot, found: Snapshot): readonly string[] {
  const differences: string[] = [];
  for (const [path, facts] of expected) {
    const now = found.get(path);
    if (now === undefined) differences.push(`${path} is gone`);
    else if (now !== facts) differences.push(`${path} was "${facts}" and is "${now}"`);
  }
  for (const path of found.keys()) {
    if (!expected.has(path)) differences.push(`${path} has come from nowhere`);
  }
  return differences;
}
