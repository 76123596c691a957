import type { SallyportError } from '@sallyport/core';
import type { LoginObservation, ScreenView } from '@sallyport/core/engine';

/** The CLI of one login, whatever way it talks: the login engine hears it and answers it through this. */
export interface CliChannel {
  /** Process group of the CLI; undefined where it could not be started. */
  readonly pid: number | undefined;
  write(text: string): void;
  /** What the terminal shows now, if any. */
  view?(): ScreenView;
  /** Resolves when all that has arrived was looked at. */
  settled(): Promise<unknown>;
  dispose(): void;
}

export interface CliCommandLine {
  readonly file: string;
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Where a channel reports to. */
export interface CliListener {
  /** From then on nothing is looked at any more. */
  readonly over: AbortSignal;
  observe(observation: LoginObservation): void;
  /** Something the login cannot go on after. */
  fail(error: SallyportError): void;
}
