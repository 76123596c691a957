/** Milliseconds since the epoch as an ISO 8601 timestamp, `null` if there are none. */
export function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
