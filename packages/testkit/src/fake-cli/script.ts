/** What a fake CLI does, as JSON. Every default is good behavior. */
export interface FakeCliScript {
  /** Asked before the link is shown. A line that is not `expect` ends the login. */
  readonly questions?: readonly { readonly text: string; readonly expect: string }[];
  /** Callback port on 127.0.0.1. Default: any free one, named in the link. */
  readonly port?: number;
  /** What lies at `~/.fake/auth.json` when the CLI says that it is logged in. Default: `complete`. */
  readonly credential?: 'complete' | 'blank' | 'half-written' | 'oversized' | 'symlink' | 'fifo' | 'absent';
  /** Ends by SIGKILL at this point. */
  readonly crash?: 'before-link' | 'at-callback';
}
