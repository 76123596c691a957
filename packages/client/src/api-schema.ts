// Printed by `npm run docs` from the OpenAPI document. Change the schemas of the server, not this file.

export interface paths {
    "/api/auth/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Start a login */
        post: operations["startLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/session/{id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the state of a login */
        get: operations["readLogin"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/session/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow a login */
        get: operations["followLogin"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/session/{id}/answer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answer a question of the CLI */
        post: operations["answerLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/session/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel a login and remove its machine */
        post: operations["cancelLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/session/{id}/ticket": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Get a ticket for the login machine's screen */
        post: operations["createViewerTicket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/prepare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Prepare for a login that the user may start soon */
        post: operations["prepareLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connect-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a link to a page where a user connects a provider */
        post: operations["createConnectLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connect-links/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give the login of a link to the user who has returned */
        post: operations["claimConnectLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vm/cli/prompt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a prompt and stream what happens */
        post: operations["startPrompt"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vm/cli/prepare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Prepare for a prompt that the user may send soon
         * @description Starts or wakes the machine of the user, and lets the CLI wait there. The prompt is then answered without its start, if it has the same conversation, model and tool policy. Refused as such a prompt would be.
         */
        post: operations["preparePrompt"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vm/cli/prompt/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follow a prompt */
        get: operations["followPrompt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vm/cli/prompt/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Cancel a prompt */
        delete: operations["cancelPrompt"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the logins of a user */
        get: operations["listLogins"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vm/cli/prompts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the prompts of a user */
        get: operations["listPrompts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vm/cli/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the conversations of a user */
        get: operations["listConversations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the providers and how a user can connect them */
        get: operations["listProviders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/credentials": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what a user has connected, without secrets */
        get: operations["listCredentials"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/credentials/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Import a credential that the user already has */
        post: operations["importCredential"];
        /** Disconnect a provider and erase what is stored of it */
        delete: operations["disconnect"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Erase a user with everything stored of them */
        delete: operations["eraseUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/user-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a token with which a user calls this API */
        post: operations["createUserToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the machines of a user */
        get: operations["listMachines"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vms/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a machine */
        get: operations["readMachine"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vms/load": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what this host does at the moment */
        get: operations["readHostLoad"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vms/{id}/hibernate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Hibernate a machine */
        post: operations["hibernateMachine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vms/{id}/wake": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Wake a machine */
        post: operations["wakeMachine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vms/{id}/destroy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Destroy a machine */
        post: operations["destroyMachine"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vms/{id}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a directory of a machine's working directory */
        get: operations["listFiles"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/vms/{id}/files/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a file of a machine's working directory */
        get: operations["readFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List entries of the audit log */
        get: operations["listAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the server runs */
        get: operations["checkHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the server reaches its database */
        get: operations["checkReady"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Answer: {
            promptId: string;
            value: string;
        };
        Claim: {
            code: string;
            userId: string;
        };
        ConnectLinkRequest: {
            userId: string;
            provider?: string;
            returnUrl: string;
            state?: string;
            replace?: boolean;
            /** @default 900 */
            expiresIn?: number;
        };
        Import: {
            userId?: string;
            files: {
                [key: string]: string;
            };
            replace?: boolean;
        };
        Method: {
            id: string;
            title: string;
            kind: string;
            /** @enum {string} */
            display: "desktop" | "local" | "none";
            needs: ("desktop" | "own-browser" | "code" | "key")[];
            gives: string[];
        };
        Prompt: {
            userId?: string;
            provider: string;
            prompt: string;
            conversationId?: string;
            model?: string;
            /** @enum {string} */
            tools?: "read-only" | "workspace" | "full";
            /** @enum {string} */
            projectSettings?: "ignore" | "use";
        };
        ExpectedLogin: {
            userId?: string;
            provider?: string;
        } | null;
        ExpectedPrompt: {
            userId?: string;
            provider: string;
            conversationId?: string;
            model?: string;
            /** @enum {string} */
            tools?: "read-only" | "workspace" | "full";
            /** @enum {string} */
            projectSettings?: "ignore" | "use";
        };
        StartLogin: {
            userId?: string;
            provider: string;
            method?: string;
            consent?: string;
            replace?: boolean;
        };
        UserTokenRequest: {
            userId: string;
            scopes: ("connect" | "prompt" | "machines")[];
            origin?: string;
            /** @default 900 */
            expiresIn?: number;
        };
        AuditEntry: {
            id: string;
            at: string;
            type: string;
            userId: string | null;
            data: {
                [key: string]: unknown;
            };
        };
        Claimed: {
            /** Format: uuid */
            userId: string;
            provider: string;
            version: number;
        };
        ConnectLink: {
            /** Format: uuid */
            linkId: string;
            url: string;
            expiresAt: string;
        };
        Conversation: {
            conversationId: string;
            provider: string;
            createdAt: string;
            lastPromptAt: string;
            prompts: number;
        };
        Credential: {
            provider: string;
            version: number;
            valid: boolean;
            account: string | null;
            /** @enum {string} */
            kind: "plan" | "api-key";
            problem: string | null;
            endsSoon: boolean;
            accessExpiresAt: string | null;
            loginExpiresAt: string | null;
            lastVerified: string | null;
            updatedAt: string;
        };
        Disconnected: {
            vendorRevoked: boolean | "unknown";
        };
        HostLoad: {
            waiting: number;
            underWay: number;
            running: number;
            hibernated: number;
            reservedMemoryMb: number;
            memoryLimitMb: number | null;
        };
        Imported: {
            version: number;
        };
        LoginEvent: {
            /** @constant */
            type: "phase";
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            phase: string;
            message: string;
        } | {
            /** @constant */
            type: "progress";
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            phase: string;
            message: string;
            data?: {
                fraction: number;
            };
        } | {
            /** @constant */
            type: "url";
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            phase: string;
            message: string;
            data: {
                url: string;
                userCode: string | null;
                expiresAt?: string | null;
            };
        } | {
            /** @constant */
            type: "prompt";
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            phase: string;
            message: string;
            data: {
                promptId: string;
                /** @enum {string} */
                kind: "code" | "text" | "choice";
                secret: boolean;
                choices: string[];
                page?: string;
            };
        } | {
            /** @constant */
            type: "notice";
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            phase: string;
            message: string;
        } | {
            /** @constant */
            type: "done";
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            phase: string;
            message: string;
            data?: {
                code: string;
                hint: string;
            };
        };
        LoginStatus: {
            /** Format: uuid */
            sessionId: string;
            provider: string;
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            phase: string;
            method: string;
            /** @enum {string} */
            display: "desktop" | "local" | "none";
            novncURL: string | null;
            authUrl: string | null;
            userCode: string | null;
            expiresAt: string | null;
            pageHost: string | null;
            screen: string | null;
            errorCode: string | null;
            errorMessage: string | null;
            errorHint: string | null;
            methods: components["schemas"]["Method"][];
            createdAt: string;
            updatedAt: string;
        };
        LoginSummary: {
            /** Format: uuid */
            sessionId: string;
            provider: string;
            method: string;
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            errorCode: string | null;
            createdAt: string;
            updatedAt: string;
        };
        Machine: {
            vmId: string;
            /** @enum {string} */
            type: "browser" | "cli";
            status: string;
            driver: string;
            host: string;
            memoryMb: number;
            createdAt: string;
        };
        Problem: {
            type: string;
            title: string;
            status: number;
            detail: string;
            code: string;
            hint: string;
            retryable: boolean;
            requestId: string;
            details?: {
                [key: string]: unknown;
            };
        };
        PromptEvent: {
            /** @constant */
            type: "prompt-start";
            promptId: string;
            provider: string;
        } | {
            /** @constant */
            type: "machine";
            /** @enum {string} */
            state: "queued" | "starting" | "waking" | "ready";
            message: string;
        } | {
            /** @constant */
            type: "conversation";
            conversationId: string;
        } | {
            /** @constant */
            type: "text";
            text: string;
        } | {
            /** @constant */
            type: "reasoning";
            text: string;
        } | {
            /** @constant */
            type: "tool-start";
            toolId: string;
            name: string;
            input: string;
        } | {
            /** @constant */
            type: "tool-end";
            toolId: string;
            name: string;
            output: string;
            ok: boolean;
        } | {
            /** @constant */
            type: "notice";
            message: string;
        } | {
            /** @constant */
            type: "usage";
            inputTokens: number;
            outputTokens: number;
        } | {
            /** @constant */
            type: "prompt-end";
            /** @enum {string} */
            outcome: "completed" | "failed" | "cancelled" | "relogin-needed";
            code?: string;
            message?: string;
            hint?: string;
        };
        PromptSummary: {
            /** Format: uuid */
            promptId: string;
            provider: string;
            conversationId: string | null;
            /** @enum {string} */
            status: "running" | "completed" | "failed" | "cancelled" | "relogin-needed";
            errorCode: string | null;
            createdAt: string;
            endedAt: string | null;
        };
        Provider: {
            id: string;
            title: string;
            connected: boolean;
            valid: boolean | null;
            problem: string | null;
            loginExpiresAt: string | null;
            endsSoon: boolean;
            lastVerified: string | null;
            account: string | null;
            kind: ("plan" | "api-key") | null;
            methods: components["schemas"]["Method"][];
            unavailable: {
                id: string;
                title: string;
                reason: string;
            }[];
            terms: string;
            termsReviewed: string | null;
            consent: {
                id: string;
                text: string;
            };
            disabled: {
                reason: string;
                hint: string;
            } | null;
        };
        StartedLogin: {
            /** Format: uuid */
            sessionId: string;
            /** @enum {string} */
            status: "pending" | "ready" | "awaiting_user_auth" | "completed" | "failed" | "cancelled";
            method: string;
            /** @enum {string} */
            display: "desktop" | "local" | "none";
            novncURL: string | null;
            browserIP: string | null;
            authUrl: string | null;
        };
        UserToken: {
            token: string;
            /** Format: uuid */
            userId: string;
            expiresAt: string;
        };
        ViewerTicket: {
            ticket: string;
            websocketUrl: string;
            expiresInMs: number;
        };
        WorkFile: {
            name: string;
            /** @enum {string} */
            type: "file" | "directory" | "link" | "other";
            size: number;
            modifiedAt: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    startLogin: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send this request again. For 24 hours, the same key of the same user with the same body creates nothing more and answers with what was created; another body answers 422, and 409 means that the first request is still running. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StartLogin"];
            };
        };
        responses: {
            /** @description It was created. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedLogin"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readLogin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginStatus"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    followLogin: {
        parameters: {
            query?: never;
            header?: {
                /** @description Id of the last event that arrived: the stream goes on behind it. Absent: from the beginning. */
                "last-event-id"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Server-sent events. The data of each is JSON of this schema, and its id goes into the header Last-Event-ID of a request that resumes behind it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["LoginEvent"];
                };
            };
            /** @description There is nothing behind the event of Last-Event-ID, and nothing will come. EventSource stops here. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    answerLogin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Answer"];
            };
        };
        responses: {
            /** @description It was done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelLogin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createViewerTicket: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was created. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ViewerTicket"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    prepareLogin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExpectedLogin"];
            };
        };
        responses: {
            /** @description The request was accepted. What it asks for may still be under way. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createConnectLink: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectLinkRequest"];
            };
        };
        responses: {
            /** @description It was created. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectLink"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    claimConnectLink: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Claim"];
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Claimed"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startPrompt: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes it safe to send this request again. For 24 hours, the same key of the same user with the same body creates nothing more and answers with what was created; another body answers 422, and 409 means that the first request is still running. */
                "idempotency-key"?: string;
                /** @description Id of the last event that arrived: the stream goes on behind it. Absent: from the beginning. */
                "last-event-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Prompt"];
            };
        };
        responses: {
            /** @description Server-sent events. The data of each is JSON of this schema, and its id goes into the header Last-Event-ID of a request that resumes behind it. */
            200: {
                headers: {
                    /** @description Address of the prompt: append `/events` to follow it again. */
                    location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["PromptEvent"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    preparePrompt: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExpectedPrompt"];
            };
        };
        responses: {
            /** @description The request was accepted. What it asks for may still be under way. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    followPrompt: {
        parameters: {
            query?: never;
            header?: {
                /** @description Id of the last event that arrived: the stream goes on behind it. Absent: from the beginning. */
                "last-event-id"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Server-sent events. The data of each is JSON of this schema, and its id goes into the header Last-Event-ID of a request that resumes behind it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["PromptEvent"];
                };
            };
            /** @description There is nothing behind the event of Last-Event-ID, and nothing will come. EventSource stops here. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelPrompt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listLogins: {
        parameters: {
            query?: {
                userId?: string;
                limit?: string;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["LoginSummary"][];
                        nextCursor: string | null;
                    };
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPrompts: {
        parameters: {
            query?: {
                userId?: string;
                limit?: string;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["PromptSummary"][];
                        nextCursor: string | null;
                    };
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listConversations: {
        parameters: {
            query?: {
                userId?: string;
                limit?: string;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Conversation"][];
                        nextCursor: string | null;
                    };
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listProviders: {
        parameters: {
            query?: {
                userId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Provider"][];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listCredentials: {
        parameters: {
            query?: {
                userId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Credential"][];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    importCredential: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Import"];
            };
        };
        responses: {
            /** @description It was created. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Imported"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    disconnect: {
        parameters: {
            query?: {
                userId?: string;
            };
            header?: never;
            path: {
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Disconnected"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    eraseUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createUserToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserTokenRequest"];
            };
        };
        responses: {
            /** @description It was created. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserToken"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listMachines: {
        parameters: {
            query?: {
                userId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Machine"][];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readMachine: {
        parameters: {
            query?: {
                userId?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Machine"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readHostLoad: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostLoad"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    hibernateMachine: {
        parameters: {
            query?: {
                userId?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    wakeMachine: {
        parameters: {
            query?: {
                userId?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    destroyMachine: {
        parameters: {
            query?: {
                userId?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It was done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listFiles: {
        parameters: {
            query?: {
                userId?: string;
                path?: string;
                limit?: string;
                cursor?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["WorkFile"][];
                        nextCursor: string | null;
                    };
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readFile: {
        parameters: {
            query: {
                userId?: string;
                path: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The bytes of the file. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAuditEntries: {
        parameters: {
            query?: {
                limit?: string;
                cursor?: string;
                userId?: string;
                type?: string;
                since?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        entries: components["schemas"]["AuditEntry"][];
                        nextCursor: string | null;
                    };
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ok";
                        timestamp: string;
                    };
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ready";
                    };
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "4XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes. */
            "5XX": {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}

/** Codes of docs/errors.md. */

export type ServerErrorCode =
  | 'CONFIG_INVALID'
  | 'CONFIG_HOST_UNSUITABLE'
  | 'CONFIG_DATA_DIR_BUSY'
  | 'PLUGIN_FAILED'
  | 'PLUGIN_TIMED_OUT'
  | 'PROVIDER_UNKNOWN'
  | 'PROVIDER_DISABLED'
  | 'PROVIDER_MANIFEST_INVALID'
  | 'PROVIDER_CLI_MISSING'
  | 'MACHINE_FAILED'
  | 'MACHINE_TIMED_OUT'
  | 'MACHINE_CAPACITY'
  | 'MACHINE_UNKNOWN'
  | 'MACHINE_BUSY'
  | 'MACHINE_ASLEEP'
  | 'MACHINE_UNSUPPORTED'
  | 'MACHINE_DISK_UNSAFE'
  | 'MACHINE_DISK_INTERRUPTED'
  | 'MACHINE_IMAGE_MISSING'
  | 'MACHINE_IMAGE_DAMAGED'
  | 'MACHINE_IMAGE_FAILED'
  | 'AGENT_UNREACHABLE'
  | 'AGENT_REFUSED'
  | 'EGRESS_FAILED'
  | 'EGRESS_REFUSED'
  | 'LOGIN_METHOD_UNAVAILABLE'
  | 'LOGIN_IN_PROGRESS'
  | 'LOGIN_SESSION_UNKNOWN'
  | 'LOGIN_SESSION_OVER'
  | 'LOGIN_TIMED_OUT'
  | 'LOGIN_DENIED'
  | 'LOGIN_FAILED'
  | 'LOGIN_CLI_CRASHED'
  | 'LOGIN_URL_REFUSED'
  | 'LOGIN_PROMPT_REFUSED'
  | 'LOGIN_PORT_TAKEN'
  | 'LOGIN_CALLBACK_REFUSED'
  | 'LOGIN_ABANDONED'
  | 'LOGIN_DRIFT'
  | 'LOGIN_CANCELLED'
  | 'LOGIN_INTERRUPTED'
  | 'LOGIN_ANSWER_UNEXPECTED'
  | 'LOGIN_ANSWER_MALFORMED'
  | 'CREDENTIAL_NOT_CONNECTED'
  | 'CREDENTIAL_INVALID'
  | 'CREDENTIAL_INCOMPLETE'
  | 'CREDENTIAL_TOO_LARGE'
  | 'CREDENTIAL_MALFORMED'
  | 'CREDENTIAL_EXCLUDED'
  | 'CREDENTIAL_STALE'
  | 'CREDENTIAL_REFUSED'
  | 'CREDENTIAL_LEASED'
  | 'CREDENTIAL_ALTERED'
  | 'CREDENTIAL_UNREADABLE'
  | 'FILE_UNKNOWN'
  | 'FILE_REFUSED'
  | 'FILE_TOO_LARGE'
  | 'PROMPT_TOO_LARGE'
  | 'PROMPT_FAILED'
  | 'PROMPT_UNKNOWN'
  | 'PROMPT_CANCELLED'
  | 'STORE_UNAVAILABLE'
  | 'USER_ERASED'
  | 'SERVER_RUNNING'
  | 'SERVER_SUPERSEDED'
  | 'STORE_CONFLICT'
  | 'CONNECT_LINK_GONE'
  | 'ACCESS_DENIED'
  | 'ACCESS_UNAUTHENTICATED'
  | 'ACCESS_TOKEN_REVOKED'
  | 'ACCESS_KEYS_UNAVAILABLE'
  | 'ACCESS_TICKET_INVALID'
  | 'REQUEST_INVALID'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'IDEMPOTENCY_KEY_IN_USE'
  | 'LIMIT_REACHED'
  | 'REQUEST_UNSUPPORTED_TYPE'
  | 'REQUEST_TOO_LARGE'
  | 'NOT_FOUND'
  | 'INTERNAL';
