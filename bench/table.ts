import type { JudgedFinding } from './bench.ts';
import { median } from './statistics.ts';

/** The findings as lines of a table for a terminal. */
export function formatTable(findings: readonly JudgedFinding[]): string {
  const rows = [['', 'ours', 'bare', 'median', '95 % interval', 'limit', 'n', ''], ...findings.map(cells)];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells(finding: JudgedFinding): string[] {
  const { title, unit, pairs, interval, limit, samples, verdict } = finding;
  const judged = (value: number): string => formatJudged(finding, value);
  return [
    title,
    pairs ? formatValue(median(pairs.map(({ ours }) => ours)), unit) : '',
    pairs ? formatValue(median(pairs.map(({ bare }) => bare)), unit) : '',
    judged(finding.median),
    `${judged(interval.lower)} … ${judged(interval.upper)}`,
    limit === undefined ? '' : judged(limit),
    String(samples.length),
    verdict,
  ];
}

function formatJudged({ kind, unit }: JudgedFinding, value: number): string {
  if (kind === 'ratio') return `${value.toFixed(2)} ×`;
  return `${kind === 'difference' && value >= 0 ? '+' : ''}${formatValue(value, unit)}`;
}

function formatValue(value: number, unit: string): string {
  return `${value.toFixed(value !== 0 && Math.abs(value) < 100 ? 1 : 0)} ${unit}`;
}
