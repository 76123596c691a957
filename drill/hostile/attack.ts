/** What a program inside a machine tries. */
export interface Attack {
  readonly title: string;
  /** What the program got, in a few words; `undefined` if nothing. */
  readonly defended: () => Promise<string | undefined>;
  /** The same program where the defence is switched off. It has to get something, or the attack shows nothing. */
  readonly undefended: () => Promise<string | undefined>;
}

/** Names what a report of `name ok` and `name ERRNO` lines got. */
export function succeeded(report: string): string | undefined {
  const names = report.split('\n').flatMap((line) => /(\w+) ok$/.exec(line)?.[1] ?? []);
  return names.length === 0 ? undefined : names.join(', ');
}
