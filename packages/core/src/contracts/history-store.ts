/** Logins and prompts that have ended, with their events, and rows of destroyed machines. What still runs is never touched. */
export interface HistoryStore {
  /** Deletes a user's history with one provider, or with all. Returns how many logins and prompts that were. */
  erase(userId: string, provider?: string): Promise<number>;
  /**
   * Deletes up to `limit` logins and as many prompts and destroyed machines, of all users, that ended at least this long ago
   * by the store's clock: a server whose clock is wrong must not delete the history of all. Returns how many.
   */
  prune(ageMs: number, limit: number): Promise<number>;
}
