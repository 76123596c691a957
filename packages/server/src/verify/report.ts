/** What trying out one release of a CLI has come to. JSON. */
export interface ReleaseReport {
  readonly provider: string;
  readonly title: string;
  readonly package: string;
  readonly version: string;
  readonly install: StepReport;
  /** In the order of the manifest. Empty where the release could not be installed. */
  readonly methods: readonly MethodReport[];
}

export interface MethodReport {
  readonly method: string;
  readonly steps: Readonly<Record<Step, StepReport>>;
}

export const steps = ['login', 'prompt', 'refresh', 'logout'] as const;
export type Step = (typeof steps)[number];

export type StepReport =
  | { readonly outcome: 'ok' }
  /** The method has no such step: what it gives never ends, or is sent without a login. */
  | { readonly outcome: 'none' }
  /** A step before it has failed. */
  | { readonly outcome: 'not-reached' }
  | { readonly outcome: 'failed'; readonly code: string; readonly message: string; readonly screen?: string };

export function hasPassed(report: ReleaseReport): boolean {
  return failuresOf(report).length === 0;
}

/** The reports as a table, and below it what has failed, with the screens of the CLIs. */
export function renderTable(reports: readonly ReleaseReport[]): string {
  const head = ['version', 'method', ...steps];
  const rows = reports.flatMap((report) =>
    report.methods.length === 0
      ? [[report.version, '(installation)', ...steps.map(() => word(report.install))]]
      : report.methods.map(({ method, steps: done }) => [
          report.version,
          method,
          ...steps.map((step) => word(done[step])),
        ]),
  );
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const failures = reports.flatMap((report) => failuresOf(report).map((failure) => `\n${report.version} ${failure}`));
  return [...lines, ...failures].join('\n');
}

const words = { ok: 'ok', none: '-', 'not-reached': '.', failed: 'FAILED' } as const;

function word({ outcome }: StepReport): string {
  return words[outcome];
}

function failuresOf({ install, methods }: ReleaseReport): readonly string[] {
  const all: readonly (readonly [string, StepReport])[] = [
    ['installation', install],
    ...methods.flatMap(({ method, steps: done }) => steps.map((step) => [`${method}, ${step}`, done[step]] as const)),
  ];
  return all.flatMap(([where, report]) => {
    if (report.outcome !== 'failed') return [];
    const screen = report.screen === undefined ? '' : `\n${report.screen.replaceAll(/^/gm, '    | ')}`;
    return [`${where}: ${report.code}: ${report.message}${screen}`];
  });
}
