/** Logins and prompts that have ended, with their events. Those that still run are never touched. */
export interface HistoryStore {
  /** Deletes a user's history with one provider, or with all. Returns how many logins and prompts that were. */
  erase(userId: string, provider?: string): Promise<number>;
  /**
   * Deletes up to `limit` logins and as many prompts, of all users, that ended before this time, in milliseconds since the
   * epoch. Returns how many.
   */
  prune(before: number, limit: number): Promise<number>;
}
