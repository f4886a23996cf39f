export interface Options {
  /** Without `/api/v1`; by default `http://localhost:3001`. */
  baseURL?: string;
  /** A JWT or an API key. */
  token?: string;
  /** For one attempt, in milliseconds; 30,000 by default. */
  timeout?: number;
  /** How often what may be repeated is sent again; 2 by default. */
  retries?: number;
  fetch?: typeof fetch;
  WebSocket?: typeof WebSocket;
}

export class KillTrackerError extends Error {
  /** As documented, for example `VALIDATION_ERROR`; `NO_ANSWER` where none came. */
  readonly code?: string;
  readonly status?: number;
  readonly details?: { field: string; reason: string };
  readonly requestId?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** A date in ISO 8601. */
export type ISODate = string;
export type PrivacyLevel = 'PUBLIC' | 'PRIVATE' | (string & {});

export interface Player { id: string; username: string; avatar: string | null }
export interface Server { id: string; name: string }

export interface Kill {
  id: string;
  killer: Player;
  victim: Player;
  server: Server;
  weapon: string;
  location: string;
  timestamp: ISODate;
  isPvP: boolean;
  isSuicide: boolean;
  isEnvironmental: boolean;
}

export interface NewKill {
  /** A user's id, a Discord id or a handle. */
  victimId?: string;
  /** A handle. */
  victimName?: string;
  serverId?: string;
  weapon?: string;
  location?: string;
  isPvP?: boolean;
  isSuicide?: boolean;
  isEnvironmental?: boolean;
}

export interface KillFilter {
  page?: number;
  /** 1 to 100; 20 by default. */
  limit?: number;
  serverId?: string;
  weapon?: string;
  location?: string;
  startDate?: ISODate | Date;
  endDate?: ISODate | Date;
}

export interface Pagination { page: number; limit: number; total: number; pages: number; totalIsEstimate?: boolean }
export interface KillPage { kills: Kill[]; pagination: Pagination }

export interface UserProfile {
  id: string;
  discordId: string;
  username: string;
  discriminator: string;
  avatar: string | null;
  rsiHandle: string | null;
  /** Whether the handle was proved. */
  isHandleVerified: boolean;
  privacyLevel: PrivacyLevel;
  createdAt: ISODate;
  updatedAt: ISODate;
}

export interface UserStats {
  totalKills: number;
  totalDeaths: number;
  killDeathRatio: number;
  favoriteWeapon: string | null;
  totalPlayTime: string;
  rank: number | null;
  recentKills: { id: string; victim: string; weapon: string; location: string; timestamp: ISODate }[];
}

export type LeaderboardType = 'kills' | 'deaths' | 'kdr' | 'pvp_kills' | 'pve_kills';
export type LeaderboardPeriod = 'daily' | 'weekly' | 'monthly' | 'all_time';
export interface Rank { rank: number; value: number; /** `+5`, `-2`, `0` */ change: string }
export interface Leaderboard {
  type: LeaderboardType;
  period: LeaderboardPeriod;
  entries: (Rank & { user: Player })[];
  userRank: Rank | null;
}

export interface ServerSettings {
  prefix: string;
  language: string;
  features: { killTracker: boolean; leaderboard: boolean; notifications: boolean };
  privacyLevel: 'public' | 'private' | (string & {});
  killNotifications: boolean;
  /** The name or id of a channel. */
  leaderboardChannel: string | null;
}
export interface ServerInfo {
  id: string;
  discordId: string;
  name: string;
  icon: string | null;
  ownerId: string | null;
  isActive: boolean;
  memberCount: number;
  settings: ServerSettings;
  createdAt: ISODate;
}
export type ServerSettingsChange = Partial<Omit<ServerSettings, 'features'>> & {
  features?: Partial<ServerSettings['features']>;
};

export interface BotStatus {
  isOnline: boolean;
  uptime: string;
  serverCount: number;
  userCount: number;
  totalKills: number;
  version: string;
  lastRestart: ISODate;
}

export interface APIKey {
  id: string;
  name: string;
  playerName: string | null;
  permissions: string[];
  isActive: boolean;
  lastUsedAt: ISODate | null;
  expiresAt: ISODate | null;
  createdAt: ISODate;
}
export interface NewAPIKey { name: string; playerName?: string; permissions?: string[]; expiresAt?: ISODate }

export interface Webhook { id: string; name: string; url: string; events: string[]; isActive: boolean }
export interface NewWebhook {
  name: string;
  url: string;
  events: string[];
  secret?: string;
  maxRetries?: number;
  retryDelay?: number;
  backoffMultiplier?: number;
  headers?: Record<string, string>;
}

export interface AnalyticsFilter {
  period?: 'day' | 'week' | 'month' | 'year';
  serverId?: string;
  startDate?: ISODate | Date;
  endDate?: ISODate | Date;
}
export interface KillAnalytics {
  period: string;
  totalKills: number;
  dailyKills: { date: string; kills: number; deaths: number }[];
  weaponStats: { weapon: string; kills: number; percentage: number }[];
  locationStats: { location: string; kills: number; percentage: number }[];
}

export interface Ship {
  name: string;
  manufacturer: string;
  type: string | null;
  size: string | null;
  crew: number | null;
  /** SCU. */
  cargo: number | null;
  /** aUEC. */
  price: number | null;
  /** Metres. */
  length: number | null;
  className: string;
}
export interface LogDirectory { path: string; exists: boolean; files: number; /** Bytes. */ size: number }
export interface LogFile {
  filePath: string;
  name: string;
  directory: string;
  /** Bytes. */
  size: number;
  modifiedAt: ISODate;
}

export type EventType =
  | 'kill.created' | 'kill.updated' | 'kill.deleted' | 'user.joined' | 'user.left' | 'server.updated'
  | 'bot.status_changed';
export interface Event { type: EventType | (string & {}); data: unknown }
export type EventHandlers = {
  onEvent?: (event: Event) => void;
  onClose?: (end: { code: number; reason: string }) => void;
  onError?: (error: unknown) => void;
} & { [Type in EventType]?: (data: any) => void };
export interface EventConnection { close(): void }

export interface Login {
  user: { id: string; username: string; discriminator: string; avatar: string | null };
  token: string;
  /** Seconds. */
  expiresIn: number;
}

export class SCKillTrackerAPI {
  constructor(options?: Options);
  readonly token: string | undefined;
  readonly auth: {
    discord(answer: { code: string; state?: string }): Promise<Login>;
    refresh(): Promise<{ token: string; expiresIn: number }>;
    logout(): Promise<{ message: string }>;
  };
  readonly users: {
    me(): Promise<UserProfile>;
    update(changes: { username?: string; rsiHandle?: string | null; privacyLevel?: PrivacyLevel }): Promise<UserProfile>;
    getStats(): Promise<UserStats>;
  };
  readonly kills: {
    list(filter?: KillFilter): Promise<KillPage>;
    all(filter?: KillFilter): AsyncGenerator<Kill, void>;
    get(id: string): Promise<Kill>;
    create(kill: NewKill, options?: { idempotencyKey?: string }): Promise<Kill>;
    update(id: string, changes: { weapon?: string; location?: string }): Promise<Kill>;
    delete(id: string): Promise<unknown>;
  };
  readonly leaderboards: {
    get(filter?: {
      type?: LeaderboardType; period?: LeaderboardPeriod; serverId?: string; limit?: number;
    }): Promise<Leaderboard>;
  };
  readonly servers: {
    list(): Promise<ServerInfo[]>;
    get(id: string): Promise<ServerInfo>;
    getSettings(id: string): Promise<ServerSettings>;
    updateSettings(id: string, settings: ServerSettingsChange): Promise<ServerSettings>;
  };
  readonly bot: { status(): Promise<BotStatus>; statistics(): Promise<Record<string, unknown>>; restart(): Promise<unknown> };
  readonly apiKeys: {
    list(): Promise<APIKey[]>;
    create(key: NewAPIKey): Promise<Omit<APIKey, 'isActive' | 'lastUsedAt'> & { key: string }>;
    update(id: string, changes: { name?: string; isActive?: boolean; permissions?: string[] }): Promise<APIKey>;
    delete(id: string): Promise<unknown>;
  };
  readonly webhooks: {
    list(): Promise<Webhook[]>;
    create(webhook: NewWebhook): Promise<Webhook>;
    test(id: string): Promise<unknown>;
    delete(id: string): Promise<unknown>;
  };
  readonly analytics: {
    kills(filter?: AnalyticsFilter): Promise<KillAnalytics>;
    users(filter?: AnalyticsFilter): Promise<Record<string, unknown>>;
    servers(filter?: AnalyticsFilter): Promise<Record<string, unknown>>;
  };
  readonly game: {
    ships(): Promise<Ship[]>;
    ship(name: string): Promise<Ship>;
    player(handle: string): Promise<Record<string, unknown>>;
    location(name: string): Promise<{ name: string; system: string | null; bodies: string[]; kills: number }>;
    system(name: string): Promise<{ name: string; planets: { name: string; moons: string[] }[] }>;
  };
  readonly logs: {
    directories(): Promise<LogDirectory[]>;
    files(): Promise<LogFile[]>;
    validate(filePath: string): Promise<Record<string, unknown> & { isValid: boolean; reason: string | null }>;
    parse(
      filePath: string, options?: { includePvE?: boolean; includePvP?: boolean; serverId?: string },
    ): Promise<Record<string, unknown>>;
  };
  request(method: string, path: string, options?: {
    root?: string; query?: Record<string, unknown>; body?: unknown; headers?: Record<string, string>; repeat?: boolean;
    signal?: AbortSignal;
  }): Promise<any>;
  connect(handlers?: EventHandlers): EventConnection;
}
