/** The computer behind the API: what runs once its processors do. The fake itself runs nothing. */
export interface FakeComputer {
  /** It boots from its drives or, where a snapshot held what was in its memory, goes on with that. */
  run(from: FakeHardware): Promise<void>;
  /** Its processors stand still. Returns what is in its memory; a snapshot keeps it. */
  freeze(): Promise<string>;
}

export interface FakeHardware {
  /** Files of this host, in the order of the guest's /dev/vda, vdb, vdc. */
  readonly drives: readonly string[];
  readonly memory?: string;
  /** To its serial port. */
  print(text: string): void;
}
