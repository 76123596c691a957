/** Milliseconds since the epoch as an ISO 8601 timestamp; `null` if there are none, or none that a calendar has. */
export function toIso(ms: number | undefined): string | null {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
