/** Whether bubblewrap can sandbox a kind of program on this host. */
export interface ProbedSandbox {
  /** Path of a working bubblewrap. */
  readonly bubblewrap?: string;
  /** Why there is none. */
  readonly reason?: string;
}
