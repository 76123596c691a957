/**
 * The columns of the schema `sallyport` that a user's own token may read. Selecting any other column, or `*`, is refused
 * (42501). Replace `public` with the types of your project.
 */
export type Database = {
  public: { Tables: {}; Views: {}; Functions: {} };
  sallyport: {
    Tables: {
      auth_sessions: ReadOnlyTable<{
        session_id: string;
        user_id: string;
        provider: string;
        method: string;
        status: 'pending' | 'ready' | 'awaiting_user_auth' | 'completed' | 'failed' | 'cancelled';
        error_message: string | null;
        created_at: string;
        updated_at: string;
      }>;
      prompts: ReadOnlyTable<{
        prompt_id: string;
        user_id: string;
        provider: string;
        conversation_id: string | null;
        status: 'running' | 'completed' | 'failed' | 'cancelled' | 'relogin-needed';
        created_at: string;
        ended_at: string | null;
      }>;
      vms: ReadOnlyTable<{
        vm_id: string;
        user_id: string;
        type: 'browser' | 'cli';
        status: 'creating' | 'running' | 'stopping' | 'stopped' | 'hibernated' | 'lost' | 'destroyed';
        created_at: string;
        destroyed_at: string | null;
      }>;
      provider_credentials: ReadOnlyTable<{
        credential_id: string;
        user_id: string;
        provider: string;
        version: number;
        kind: string | null;
        account: string | null;
        valid: boolean;
        invalid_reason: 'refused' | 'lost' | 'rolled-back' | null;
        last_verified: string | null;
        created_at: string;
        updated_at: string;
      }>;
    };
    Views: {};
    Functions: {};
  };
};

/** A table whose rows the server alone writes. */
type ReadOnlyTable<Row> = { Row: Row; Insert: never; Update: never; Relationships: [] };
