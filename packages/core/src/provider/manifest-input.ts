// Printed by `npm run docs` from the schema of manifests. Change the schema, not this file.

import type { z } from 'zod';

/** What an author writes: fields with a default may be left out. docs/manifest.md has the limits of each. */
export type ProviderManifestInput = {
  /** Version of the manifest format. */
  spec: 1;
  /** How the API, the configuration and the command line name the provider. Unique in a deployment. */
  id: string;
  /** Other names accepted in place of `id`. Unique in a deployment too. Default: `[]`. */
  aliases?: string[] | undefined;
  /** What users see. */
  title: string;
  /** The vendor's terms, and where they allow the provider to run. */
  terms: {
    /** The vendor's terms. An https URL. */
    url: string;
    /** The day on which someone last read them for this purpose, or null if no one has. */
    reviewed: string | null;
    /** The kinds of deployment that they allow: for the operator alone, for their own organization, for customers. In any other the provider is off until the operator names it in `acceptedTerms`. */
    deployments: ('self-hosted' | 'internal' | 'hosted')[];
    /** What a user has to know about this provider in particular. Follows what every user is told before connecting. */
    consent?: string | undefined;
  };
  /** The CLI: what to install and how to start it. */
  cli: {
    /** npm package of the unmodified CLI. */
    package: string;
    /** Its exact version. */
    version: string;
    /** Text of a `package-lock.json` (version 3) that pins the CLI and its dependencies by sha512 hash. Installed with `npm ci --ignore-scripts`. */
    lockfile: string;
    /** Path of the executable for each platform, such as `{ "linux-x64": "node_modules/my-cli/bin/my-cli" }`. A list if releases differ: the first path that exists is run. A `.js` file is run with Node. */
    bin: Record<string, string | string[]>;
    /** What a user types on their own computer to log in, such as `my-cli login`. Shown by `sallyport credentials import` and never run. */
    loginCommand?: string | undefined;
    /** Environment variables for every run of the CLI, for instance to turn its updater off. Default: `{}`. */
    env?: Record<string, string> | undefined;
    /** Settings files to write before every run of the CLI. Default: `[]`. */
    settings?: SettingsFile[] | undefined;
    /** Files and directories of a project that would start programs or redirect the CLI, and that the CLI cannot be told to ignore. It sees an empty one instead. Needs bubblewrap on the machine. Default: `[]`. */
    hiddenInWork?: ({
      /** Name to hide, in the working directory of a prompt and in each directory between it and `~/work`. A symbolic link of this name ends the prompt with `MACHINE_DISK_UNSAFE`. */
      name: string;
      /** What the CLI sees, empty, if nothing of this name exists. Otherwise the kind stays what it is. */
      kind: 'directory' | 'file';
    })[] | undefined;
  };
  /** Commands of the CLI besides logins and prompts. Each may be left out. */
  commands: {
    /** Says whether the CLI is logged in. Used by `sallyport providers verify`. */
    status?: {
      /** Arguments, after the executable. */
      argv: string[];
      /** What each exit code means, such as `{ "0": "ok", "1": "not-logged-in" }`. Any other code is unknown. */
      exits: Record<string, 'ok' | 'not-logged-in' | 'failed'>;
    } | undefined;
    /** Refreshes the login before it expires, without a call to a model. Has 20 s. Left out: the next prompt refreshes it. */
    refresh?: {
      /** Arguments, after the executable. */
      argv: string[];
      /** What each exit code means, such as `{ "0": "ok", "1": "not-logged-in" }`. Any other code is unknown. */
      exits: Record<string, 'ok' | 'not-logged-in' | 'failed'>;
      /** Hours after `issuedAt` by which a login is refreshed, for credentials that do not say when their access token ends. The earlier of the two counts. */
      afterHours?: number | undefined;
    } | {
      /** Hours after `issuedAt` by which a login is refreshed, for credentials that do not say when their access token ends. The earlier of the two counts. */
      afterHours?: number | undefined;
      /** Arguments that start the CLI in its JSON-RPC mode, after the executable. */
      argv: string[];
      /** What to tell the CLI. No slots: there is no value to fill in. */
      steps: RpcStep[];
      /** Any of these in a message means that the login was refreshed. The input of the CLI is closed then, and it ends. */
      over: RpcEnd[];
      /** Any of these in a message means that the vendor refused, and the user has to log in again. It outweighs `over`. */
      reloginNeeded: Matcher[];
    } | undefined;
    /** Asks the vendor to revoke the tokens before a credential is erased. Has 30 s. Leave it out if the command only deletes a file. */
    logout?: {
      /** Arguments, after the executable. */
      argv: string[];
      /** What each exit code means, such as `{ "0": "ok", "1": "not-logged-in" }`. Any other code is unknown. */
      exits: Record<string, 'ok' | 'not-logged-in' | 'failed'>;
      /** Any of these in a line of output shows that the vendor revoked the tokens. Leave it out if the CLI does not say: some end with exit code 0 offline too. */
      revoked?: Matcher[] | undefined;
    } | undefined;
  };
  /** What a machine needs to run the CLI. */
  needs: {
    /** Memory of a machine that runs the CLI, in MiB. A machine for prompts has at least 384, and one for several CLIs what the largest needs. */
    memoryMb: number;
  };
  /** The ways to log in, most convenient first. Empty: a user can only enter a key or token, so one of the credentials needs a `manualEntry`. */
  logins: ({
    /** How the API and the command line name the method. Unique in the manifest. */
    id: string;
    /** What the page offers, such as `Sign in with a code`. */
    title: string;
    /** How the sign-in gets back to the CLI: `loopback-callback` by a redirect to a port on which the CLI listens (needs `url` and `callback`), `device-code` by a code that the user types on the page (needs `url` and `userCode`), `paste-code` by a code that the user copies from the page (needs a step that asks for it). `api-key` takes a key that the user has, by a step that asks. An `import` method never runs: the credential is sent to the API. */
    kind: 'loopback-callback' | 'device-code' | 'paste-code' | 'api-key' | 'import';
    /** What the user needs: the `desktop` of the login machine, their `own-browser`, a `code` to carry from one to the other, a `key` that they have. Left out: `desktop` and `own-browser` for `loopback-callback`, of which one is enough; `own-browser` and `code` for `device-code` and `paste-code`; `key` for the others. A shorter list excludes what does not work with this CLI. */
    needs?: ('desktop' | 'own-browser' | 'code' | 'key')[] | undefined;
    /** Ids of the credential items that this method yields. Left out: every item that is a file. */
    gives?: string[] | undefined;
    /** How the CLI is run for the login. */
    drive: {
      /** The CLI runs in a terminal: its screen is read, and keys are typed. */
      kind: 'terminal';
      /** Arguments of the login command, after the executable. */
      argv: string[];
      /** Environment variables for this login method only, on top of those of `cli.env`. */
      env?: Record<string, string> | undefined;
      /** Width of the terminal. Wide by default, so that the terminal wraps no link. Default: `2000`. */
      columns?: number | undefined;
      /** Height of the terminal. Default: `50`. */
      rows?: number | undefined;
      /** What to type, or to ask the user, when the screen shows something. Steps have no order, and each fires once. Default: `[]`. */
      steps?: ({
        /** Names the step in error messages. Unique within the login method. */
        id: string;
        /** Looked for on the whole screen. Match the end of the question, so that nothing is typed before all of it is there. */
        when: Matcher;
        /** What to do then. */
        do: {
          /** Types a fixed text. */
          kind: 'send';
          /** What to type, such as `y` or `\r` for Enter. */
          text: string;
          /** Milliseconds to wait before typing. A full-screen CLI may paint a screen before it listens to keys. Default: `0`. */
          afterMs?: number | undefined;
          /** How often to type it again, every 2 s, while the screen stays exactly as it was when it was typed. Default: `0`. */
          repeats?: number | undefined;
        } | {
          /** Asks the user and types the answer. Asked again if the CLI shows its question again. */
          kind: 'ask';
          /** What to ask. */
          prompt: Question;
          /** Typed after the answer. Default: `"\r"`. */
          submit?: string | undefined;
          /** Milliseconds between the answer and `submit`. A full-screen CLI may take an Enter that arrives together with a pasted answer as part of it. 0 types both at once. Default: `0`. */
          submitAfterMs?: number | undefined;
        };
      })[] | undefined;
    } | {
      /** The CLI speaks JSON-RPC on its standard input and output, one message a line. */
      kind: 'json-rpc';
      /** Arguments that start the CLI in this mode, after the executable. */
      argv: string[];
      /** Environment variables for this login method only, on top of those of `cli.env`. */
      env?: Record<string, string> | undefined;
      /** What to send, or to ask the user, when the CLI sends something. Steps have no order, and each fires once. */
      steps: ({
        /** Names the step, and is the id of its request. Unique among the steps. */
        id: string;
        /** Looked for in each message of the CLI, written as lines. Left out: the step is taken at the start. */
        when?: Matcher | undefined;
        /** What to do then. */
        do: {
          /** Sends a request, whose id is the step's. An error in reply to it ends the login or the run. */
          kind: 'request';
          /** JSON-RPC method. */
          method: string;
          /** Parameters, any JSON. `{ "slot": NAME }` in it stands for a value: `answer` in the request of an `ask` step; `prompt`, `model`, `session` and `tools` in a prompt. `{ "reply": ID, "at": POINTER }` stands for the value at a JSON pointer in the reply to an earlier step. A member whose value is absent is left out. */
          params?: Record<string, Json> | undefined;
          /** Milliseconds that the CLI has to answer. Without an answer, the login or the run fails. Default: `30000`. */
          replyWithinMs?: number | undefined;
        } | {
          /** Sends a notification, which has no reply. */
          kind: 'notify';
          /** JSON-RPC method. */
          method: string;
          /** Parameters, any JSON. `{ "slot": NAME }` in it stands for a value: `answer` in the request of an `ask` step; `prompt`, `model`, `session` and `tools` in a prompt. `{ "reply": ID, "at": POINTER }` stands for the value at a JSON pointer in the reply to an earlier step. A member whose value is absent is left out. */
          params?: Record<string, Json> | undefined;
        } | {
          /** Asks the user, then sends `request`. */
          kind: 'ask';
          /** What to ask. */
          prompt: Question;
          /** Request to send once there is an answer. The answer goes where `{ slot: 'answer' }` is. */
          request: {
            /** JSON-RPC method. */
            method: string;
            /** Parameters, any JSON. `{ "slot": NAME }` in it stands for a value: `answer` in the request of an `ask` step; `prompt`, `model`, `session` and `tools` in a prompt. `{ "reply": ID, "at": POINTER }` stands for the value at a JSON pointer in the reply to an earlier step. A member whose value is absent is left out. */
            params?: Record<string, Json> | undefined;
            /** Milliseconds that the CLI has to answer. Without an answer, the login or the run fails. Default: `30000`. */
            replyWithinMs?: number | undefined;
          };
        };
      })[];
    };
    /** Settings files to write before this method's CLI starts, in place of those of `cli.settings` with the same path. */
    settings?: SettingsFile[] | undefined;
    /** Where the sign-in link comes from and what it must look like. A link that does not fit is never shown to the user. */
    url?: {
      /** Where to look for the link, best first: `browser-shim` is what the CLI hands to its browser command, `osc8` a terminal hyperlink, `osc52` what the CLI copies to the clipboard (with `userCode`, the code may be there too), `text` the text on the screen, `rpc` a value of a message. `osc8`, `osc52` and `text` need a terminal drive, `rpc` a JSON-RPC drive. */
      sources: ('browser-shim' | 'osc8' | 'osc52' | 'text' | 'rpc')[];
      /** Only for `device-code`: the https page for the code if the CLI shows no link. Used once the code is there and no source has a link. It must be on one of `hosts`. */
      page?: string | undefined;
      /** Exact hosts of the sign-in page. A link to any other is refused. */
      hosts: string[];
      /** The path of the link is one of these, or below one of these. `/` allows every path. */
      pathPrefixes: string[];
      /** Query parameters that must be present and not empty. `name=value` also fixes the value. Default: `[]`. */
      require?: string[] | undefined;
      /** Text that the CLI prints after the link. A link from the source `text` counts once this follows it. Left out: once it has stayed the same for a second. */
      textAfter?: Matcher | undefined;
    } | undefined;
    /** For `device-code`: takes the code to type on the page from the screen or the messages. The link is shown once the code is there. */
    userCode?: Matcher | undefined;
    /** For `device-code`: how long the code can be typed once it is shown, as the CLI or the vendor says. The user is told when it ends. */
    userCodeMinutes?: number | undefined;
    /** The loopback address on which the CLI waits for the redirect (RFC 8252, section 7.3). A link with any other `redirect_uri` is refused. */
    callback?: {
      /** The ports on which the CLI listens, in the order in which it tries them. Empty: any port, taken from the link. */
      ports: number[];
      /** The path of its `redirect_uri`, such as `/callback`. */
      path: string;
      /** For a CLI that does not print the link that it opens but another one. If its browser command is not called, the printed link is used with the address of its listener in place of `uri`. Needs a source besides `browser-shim`. Left out: a printed link is used as it is. */
      printed?: {
        /** The `redirect_uri` of the link that the CLI prints: a page that shows a code. */
        uri: string;
        /** How the CLI writes the host of its listener in the link that it opens. */
        host: 'localhost' | '127.0.0.1';
      } | undefined;
    } | undefined;
    /** True if the login command destroys the credential that it finds. If a secret file is there, the command then runs in an empty home. */
    freshHome: boolean;
    /** Any of these on the screen, or in a message, means that the CLI is done, as exit code 0 does. The login completes only if the credential is then complete. */
    success: Matcher[];
    /** How the CLI says that the login failed. The first rule that fits counts: once it has stood on the screen for a second, when the CLI exits with another code than 0, or at once in a message. Default: `[]`. */
    failure?: ({
      /** Looked for on the whole screen, or in each message of a JSON-RPC login. */
      when: Matcher;
      /** How the login ends. `docs/errors.md` says what each code means. */
      code: 'LOGIN_DENIED' | 'LOGIN_FAILED' | 'LOGIN_PORT_TAKEN' | 'LOGIN_CLI_CRASHED' | 'LOGIN_CANCELLED';
      /** One sentence for the user. */
      message: string;
    })[] | undefined;
    /** Milliseconds that the login may take. After 80 % of them, if it is the user's turn, the user is asked whether they are still there, and gets half as long again if they are. */
    timeoutMs: number;
  })[];
  /** What a login yields: the files and values that are stored, encrypted, and put back before a prompt. */
  credentials: ({
    /** A file that the CLI writes when the user logs in. */
    as: 'file';
    /** Names the item in `gives`, in imports and for `inspect`. Unique in the manifest. */
    id: string;
    /** A `secret` is the login. `settings` travel with it: a change to them alone makes no new version, and they may be absent if they require nothing. */
    role: 'secret' | 'settings';
    /** `jsonc` is JSON with comments and trailing commas. `text` is checked only for not being blank. */
    format: 'json' | 'jsonc' | 'text';
    /** Permission bits of the file: 384 is 0600. Default: `384`. */
    mode?: 384 | undefined;
    /** Whether the CLI replaces the tokens when it refreshes the login, so that an old copy no longer works. Then one machine at a time holds it. */
    rotates: boolean;
    /** JSON pointers to values that must be present and not empty for the file to be complete. `*` as a part stands for every key, as in a map of tokens by account; one value that is not empty is enough then. */
    require: string[];
    /** How the file is put on a disk. `merge-json` keeps what the CLI added to the file there. In a secret, the top-level keys that `require` leads into are replaced whole. */
    write: 'replace' | 'merge-json';
    /** Where the file is, below the CLI's home. No two items may share `browser` or `cli`. */
    paths: {
      /** On the machine that the user logs in on. */
      browser: string;
      /** On the machine that runs prompts. */
      cli: string;
      /** On the user's Mac, for `sallyport credentials import`: a path, or an item of the Keychain. Left out: `cli`. */
      macos?: string | {
        /** A generic password in the Keychain. */
        keychain: {
          /** Service of the item, such as `My CLI-credentials`. */
          service: string;
          /** Account of the item. Left out: the name of the user on their computer. */
          account?: string | undefined;
        };
      } | undefined;
      /** On the user's computer with Linux, for `sallyport credentials import`. Left out: `cli`. */
      linux?: string | undefined;
    };
  } | {
    /** A key or token that the CLI reads from an environment variable. */
    as: 'environment';
    /** Names the item in `gives` and in imports. With `manualEntry` it is also the id of the login method, with `-` for `_`. Unique in the manifest. */
    id: string;
    /** The variable, set for each prompt. The value is then on no disk. */
    name: string;
    /** Where the value comes from: a matcher that takes it from the screen of the login, such as a token that the CLI prints, or `'user'` for the answer to the question with the same id, or to `manualEntry`. */
    from: Matcher | 'user';
    /** Lets the user connect by entering a value that they already have. No CLI runs. */
    manualEntry?: {
      /** Title on the page, beside those of the login methods. */
      title: string;
      /** What the page shows above the field. */
      label: string;
      /** What a valid value matches. Anything else is refused before it is stored. */
      shape: Matcher;
      /** Shown when a value is refused, for instance `sk-ant-api03-…`. */
      example: string;
      /** The vendor's page where a user gets a value. An https URL. */
      page?: string | undefined;
    } | undefined;
    /** Settings files to write while this is the credential, in place of those of `cli.settings` with the same path. If one contains `{{value}}`, the value goes there instead of into the variable. */
    settings?: SettingsFile[] | undefined;
  })[];
  /** How the CLI answers one prompt without a user. */
  prompt: {
    /** The CLI takes the prompt on its standard input and prints lines until it ends. */
    drive: 'lines';
    /** Arguments after the executable: texts and slots. Must contain `{ slot: 'tools' }` exactly once, unless all flags of `tools` are empty. */
    argv: (string | Slot)[];
    /** Used instead of `argv` to continue a conversation. Left out: this CLI cannot continue one. */
    resumeArgv?: (string | Slot)[] | undefined;
    /** Where the prompt goes. It is never an argument. */
    input: 'stdin';
    /** Keeps the CLI from running a prompt such as `/login` as its own command. Left out: the CLI runs no prompt like that. */
    commandEscape?: {
      /** How such prompts begin, such as `/`. */
      beginnings: string[];
      /** Goes before such a prompt, which is then text for the model. Mostly a space. */
      prefix: string;
    } | undefined;
    /** Flags for each tool policy. They go where `{ slot: 'tools' }` is. */
    tools: {
      /** Flags that let the CLI read, and change nothing. */
      'read-only': string[];
      /** Flags that let it change files in the working directory. */
      workspace: string[];
      /** Flags that let it do anything on its machine. */
      full: string[];
    };
    /** How to ignore or use the settings that a project in the working directory brings. The flags go where `{ slot: 'projectSettings' }` is, which must be there exactly once unless both lists are empty. Left out: a prompt that asks for `use` is refused. */
    projectSettings?: {
      /** Flags that make the CLI ignore the settings of a project. */
      ignore: string[];
      /** Flags that let it use them. What `cli.hiddenInWork` hides is then not hidden. */
      use: string[];
    } | undefined;
    /** Any of these in a line of output means that the vendor refused the login, unless the prompt completes. The prompt then ends with `relogin-needed`. */
    reloginNeeded: Matcher[];
  } | {
    /** The CLI takes the prompt as a line of JSON, and says in a line of JSON when its answer is complete. */
    drive: 'json-lines';
    /** Arguments after the executable: texts and slots. Must contain `{ slot: 'tools' }` exactly once, unless all flags of `tools` are empty. */
    argv: (string | Slot)[];
    /** Used instead of `argv` to continue a conversation. Left out: this CLI cannot continue one. */
    resumeArgv?: (string | Slot)[] | undefined;
    /** The line that tells the CLI the prompt, any JSON. `{ "slot": "prompt" }` in it stands for the prompt. */
    message: Record<string, Json>;
    /** Keeps the CLI from running a prompt such as `/login` as its own command. Left out: the CLI runs no prompt like that. */
    commandEscape?: {
      /** How such prompts begin, such as `/`. */
      beginnings: string[];
      /** Goes before such a prompt, which is then text for the model. Mostly a space. */
      prefix: string;
    } | undefined;
    /** Flags for each tool policy. They go where `{ slot: 'tools' }` is. */
    tools: {
      /** Flags that let the CLI read, and change nothing. */
      'read-only': string[];
      /** Flags that let it change files in the working directory. */
      workspace: string[];
      /** Flags that let it do anything on its machine. */
      full: string[];
    };
    /** How to ignore or use the settings that a project in the working directory brings. The flags go where `{ slot: 'projectSettings' }` is, which must be there exactly once unless both lists are empty. Left out: a prompt that asks for `use` is refused. */
    projectSettings?: {
      /** Flags that make the CLI ignore the settings of a project. */
      ignore: string[];
      /** Flags that let it use them. What `cli.hiddenInWork` hides is then not hidden. */
      use: string[];
    } | undefined;
    /** Any of these in a line means that the answer is complete. The input of the CLI is closed then, and it ends. */
    over: LineValue[];
    /** Keeps the CLI running for the next prompt of the same conversation. It must print a line before it runs anything for a prompt: what runs by then may stay. `resumeArgv` must be `argv` with the conversation added. Left out: each prompt starts it. */
    resident?: {
      /** JSON pointer to the CLI's id of the conversation, in its lines. The process takes prompts of this conversation only. */
      conversation: string;
      /** Any of these in a line means that the process must not stay: the prompt failed, or left something running in the process itself. Default: `[]`. */
      ends?: LineValue[] | undefined;
      /** Milliseconds that a process waits for the next prompt. Default: `600000`. */
      idleMs?: number | undefined;
      /** Prompts that a process takes. Default: `50`. */
      maxPrompts?: number | undefined;
      /** Memory that a process may have after a prompt, with everything it started, in MiB. Default: `256`. */
      maxMemoryMb?: number | undefined;
    } | undefined;
    /** Any of these in a line of output means that the vendor refused the login, unless the prompt completes. The prompt then ends with `relogin-needed`. */
    reloginNeeded: Matcher[];
  } | {
    /** The CLI speaks JSON-RPC on its standard input and output, one message a line. */
    drive: 'json-rpc';
    /** Arguments that start the CLI in this mode, after the executable. */
    argv: (string | {
      /** The flags of `projectSettings` for what the prompt asks for. */
      slot: 'projectSettings';
    })[];
    /** What to tell the CLI. Its parameters must have the slots `prompt` and `tools`, and may have `model`. */
    steps: RpcStep[];
    /** Used instead of `steps` to continue a conversation; must have the slot `session` too. Left out: this CLI cannot continue one. */
    resumeSteps?: RpcStep[] | undefined;
    /** Keeps the CLI from running a prompt such as `/login` as its own command. Left out: the CLI runs no prompt like that. */
    commandEscape?: {
      /** How such prompts begin, such as `/`. */
      beginnings: string[];
      /** Goes before such a prompt, which is then text for the model. Mostly a space. */
      prefix: string;
    } | undefined;
    /** The value for each tool policy. It goes where `{ slot: 'tools' }` is. */
    tools: {
      /** JSON that lets the CLI read, and change nothing. */
      'read-only': Json;
      /** JSON that lets it change files in the working directory. */
      workspace: Json;
      /** JSON that lets it do anything on its machine. */
      full: Json;
    };
    /** How to ignore or use the settings that a project in the working directory brings. The flags go where `{ slot: 'projectSettings' }` is, which must be there exactly once unless both lists are empty. Left out: a prompt that asks for `use` is refused. */
    projectSettings?: {
      /** Flags that make the CLI ignore the settings of a project. */
      ignore: string[];
      /** Flags that let it use them. What `cli.hiddenInWork` hides is then not hidden. */
      use: string[];
    } | undefined;
    /** Any of these in a message means that the answer is complete. The input of the CLI is closed then, and it ends. */
    over: RpcEnd[];
    /** Keeps the CLI running for the next prompt. Left out: each prompt starts it. */
    resident?: {
      /** Ids of the steps that are taken once for each process. They have no slots, and are the same in `steps` and `resumeSteps`. */
      opening: string[];
      /** JSON pointer to the conversation that a message belongs to, in its parameters. What comes of an earlier conversation is dropped. */
      conversation: string;
      /** Any of these in the message that completes the answer means that the prompt failed. The process ends then. Default: `[]`. */
      failed?: Matcher[] | undefined;
      /** Milliseconds that a process waits for the next prompt. Default: `600000`. */
      idleMs?: number | undefined;
      /** Prompts that a process takes. Default: `50`. */
      maxPrompts?: number | undefined;
      /** Memory that a process may have after a prompt, with everything it started, in MiB. Default: `256`. */
      maxMemoryMb?: number | undefined;
    } | undefined;
    /** Any of these in a message or a line of standard error means that the vendor refused the login, unless the prompt completes. The prompt then ends with `relogin-needed`. */
    reloginNeeded: Matcher[];
  };
  /** Hosts that machines may reach, on port 443. An operator may add others; private addresses are never reachable. */
  egress: {
    /** Hosts that the CLI connects to, during prompts and logins. */
    cli: string[];
    /** Hosts that the sign-in page loads from, reachable during logins only. */
    signIn: string[];
  };
};

/** A settings file, written before the CLI starts. */
type SettingsFile = {
  /** Where the file goes, below the CLI's home. Not the file of a credential, except to add keys to one that has the role `settings` and is merged itself. */
  path: string;
  /** The text of the file. JSON for `merge-json` and `fill-json`. */
  content: string;
  /** `replace` writes the whole file. `merge-json` sets these keys and keeps the others of the file. `fill-json` adds only the keys that the file does not have, so that the choice of a user stays. Left out: `replace`. */
  write?: 'replace' | 'merge-json' | 'fill-json' | undefined;
};

/** One thing to tell a CLI over JSON-RPC. Steps have no order, and each fires once. */
type RpcStep = {
  /** Names the step, and is the id of its request. Unique among the steps. */
  id: string;
  /** Looked for in each message of the CLI, written as lines. Left out: the step is taken at the start. */
  when?: Matcher | undefined;
  /** What to do then. */
  do: {
    /** Sends a request, whose id is the step's. An error in reply to it ends the login or the run. */
    kind: 'request';
    /** JSON-RPC method. */
    method: string;
    /** Parameters, any JSON. `{ "slot": NAME }` in it stands for a value: `answer` in the request of an `ask` step; `prompt`, `model`, `session` and `tools` in a prompt. `{ "reply": ID, "at": POINTER }` stands for the value at a JSON pointer in the reply to an earlier step. A member whose value is absent is left out. */
    params?: Record<string, Json> | undefined;
    /** Milliseconds that the CLI has to answer. Without an answer, the login or the run fails. Default: `30000`. */
    replyWithinMs?: number | undefined;
  } | {
    /** Sends a notification, which has no reply. */
    kind: 'notify';
    /** JSON-RPC method. */
    method: string;
    /** Parameters, any JSON. `{ "slot": NAME }` in it stands for a value: `answer` in the request of an `ask` step; `prompt`, `model`, `session` and `tools` in a prompt. `{ "reply": ID, "at": POINTER }` stands for the value at a JSON pointer in the reply to an earlier step. A member whose value is absent is left out. */
    params?: Record<string, Json> | undefined;
  };
};

/** Says that a text was seen, and with a pattern, which part of it is the value. Only the last 64 KiB of a text are looked at. */
type Matcher = {
  /** Literal text that must occur, case-sensitive. A run of white space matches any other. */
  text: string;
} | {
  /** RE2 pattern, case-sensitive; `^` and `$` match at line ends. No look-around and no back-references. Where a value is taken, it is the first capture group, or the whole match. At most 250 states and 10 capture groups; at most 100 patterns and 6000 states in a manifest. */
  pattern: string;
};

/** A message after which nothing more comes. */
type RpcEnd = {
  /** Looked for in each message of the CLI, written as lines. */
  when: Matcher;
  /** Makes the message count only if one of its parameters equals a value of an earlier reply, such as the id of the conversation. */
  same?: {
    /** JSON pointer into the message's parameters. */
    at: string;
    /** The value in the reply to an earlier step. */
    as: {
      /** Id of the step that asked. */
      reply: string;
      /** JSON pointer into its result. */
      at: string;
    };
  } | undefined;
};

/** A question of the CLI that the user, or a plugin, answers. */
type Question = {
  /** Names the question in events and hooks. If it is the id of a credential item with `from: 'user'`, the answer is that item's value. */
  id: string;
  /** What the page shows above the field. */
  label: string;
  /** A `code` from the sign-in page, a `text`, or one of `choices`. A terminal login fails if the CLI shows no reaction to a `code` for 30 s. */
  kind: 'code' | 'text' | 'choice';
  /** True hides what the user types and keeps the answer out of hooks and logs. */
  secret: boolean;
  /** For `choice`: the answers to choose from. */
  choices?: ({
    /** What the page shows. */
    label: string;
    /** What the CLI gets. May be empty: then only `submit` is typed. */
    send: string;
  })[] | undefined;
  /** What every valid answer matches. Any other is refused and never reaches the CLI, and the question stays. */
  shape?: Matcher | undefined;
  /** What to paste, shown after a refused answer. */
  example?: string | undefined;
};

/** A place in a command line, for values and flags that depend on the prompt. */
type Slot = {
  /** The model that the prompt names, or the CLI's id of the conversation to continue. Left out of the command line if the prompt has none. */
  slot: 'model' | 'session';
  /** An argument to put before the value. Left out together with it. */
  flag?: string | undefined;
} | {
  /** The flags of `tools` for the tool policy of the prompt. */
  slot: 'tools';
} | {
  /** The flags of `projectSettings` for what the prompt asks for. */
  slot: 'projectSettings';
};

/** A value to look for in a line that is a JSON object. */
type LineValue = {
  /** JSON pointer into the line (RFC 6901). `*` as a whole part stands for any key or index. */
  at: string;
  /** The value that counts. */
  equals: string | number | boolean;
};

/** Any JSON value. */
type Json = z.core.util.JSONType;
