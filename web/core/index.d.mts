// The types of foyer-client. tests/system/client_package.test.mjs checks them against the code.

export interface User {
  id: string;
  name: string;
}

/** A message of a room: a text, or what a program published as `data`. A deleted one has `deleted` and neither. */
export interface Message {
  room: string;
  epoch: string;
  offset: number;
  from: User;
  message?: string;
  data?: unknown;
  /** RFC 3339, UTC */
  time: string;
  key?: string;
  deleted?: boolean;
  /** It is longer than an answer may be; `GET rooms/ROOM/messages/OFFSET` has it. */
  too_large?: boolean;
}

/** What a stored publication got. */
export interface Sent {
  room: string;
  epoch: string;
  offset: number;
  time: string;
  key: string;
  /** It was stored before, under the same key. */
  duplicate: boolean;
}

export interface History {
  messages: Message[];
  /** Older ones are on the server. */
  more: boolean;
}

export type Retry = 'never' | 'refresh' | 'after';
export type Actor = 'operator' | 'user' | 'client' | 'nobody' | '';

/** A refusal: by the server (its code is in docs/causes.md), or made here (CLIENT_…). */
export class FoyerError extends Error {
  constructor(refusal: Partial<Pick<FoyerError, 'code' | 'message' | 'who' | 'next' | 'retry' | 'retryAfterMs' | 'ref' | 'field' | 'step' | 'status'>>);
  readonly code: string;
  /** Who must act. */
  readonly who: Actor;
  /** The next step, in words; may be empty. */
  readonly next: string;
  readonly retry: Retry;
  readonly retryAfterMs: number | null;
  /** By which the operator finds this refusal: `foyer why REF`. */
  readonly ref: string;
  /** The member of the command that is at fault, or ''. */
  readonly field: string;
  readonly step: string;
  /** The HTTP status or the close code; 0: neither. */
  readonly status: number;
  /** `CODE: message next (ref)` */
  toString(): string;
  /** What an HTTP answer that is not 2xx says. */
  static from(response: Response): Promise<FoyerError>;
}

export interface TokenRequest {
  /** A token was given before, and it is refused or about to end. */
  again: boolean;
  /** Why a new one is needed; null at first, and when the one at hand is about to end. */
  error: FoyerError | null;
}

export interface ConnectOptions {
  /** The server, `https://chat.example`, or its socket, `wss://chat.example/ws/chat`. */
  url: string | URL;
  /**
   * Gives an access token. A FoyerError that it throws counts as a refusal, obeying its `retry`; any other error is asked about
   * again later; null means that there is none.
   */
  token: (request: TokenRequest) => string | null | undefined | Promise<string | null | undefined>;
  /** A WebSocket class, where the runtime has none. */
  WebSocket?: new (url: string, protocols: string[]) => unknown;
  fetch?: typeof fetch;
  /** false: wait for start(). */
  start?: boolean;
}

export interface JoinOptions {
  /** How many of the newest messages the join brings. */
  limit?: number;
  /** Gives a token for this room, where its rule needs one: at each join, and when the one at hand has ended. */
  token?: ConnectOptions['token'];
}

export type State = 'stopped' | 'renewing' | 'connecting' | 'authenticating' | 'online' | 'waiting' | 'refused' | 'suspended';
export type RoomState = 'known' | 'joining' | 'joined' | 'refused' | 'removed' | 'left';
export type Off = () => void;

export interface RoomEvents {
  /** The next message of the room, each once and in order; `recovered`: it was missed while there was no connection. */
  message: (message: Message, how: { recovered: boolean }) => void;
  /** The room begins with these: at the first join, and when not all that was missed could be recovered. */
  history: (history: History) => void;
  joined: (how: { recovered: boolean; by: string }) => void;
  deleted: (change: { offset: number; change: number }) => void;
  /** An author is gone: all messages of `user.id` have this name now; `erased`: and no text. */
  author_detached: (change: { user: User; erased?: true; change: number }) => void;
  members: (change: { joined?: User; left?: User }) => void;
  typing: (typing: Map<string, { name: string; until: number }>) => void;
  state: (state: RoomState) => void;
}

export interface Room {
  readonly name: string;
  readonly kind: 'public' | 'private' | 'direct' | 'own';
  readonly state: RoomState;
  readonly joined: boolean;
  readonly error: FoyerError | null;
  readonly epoch: string;
  readonly offset: number;
  readonly durable: boolean;
  /** Those who are here, by id. */
  readonly members: Map<string, User>;
  readonly memberCount: number;
  readonly typing: Map<string, { name: string; until: number }>;
  /** What the last `history` had. */
  readonly messages: Message[];
  on<E extends keyof RoomEvents>(event: E, listener: RoomEvents[E]): Off;
  join(options?: JoinOptions): Promise<Room>;
  leave(): Promise<void>;
  publish(message: string, options?: { key?: string }): Promise<Sent>;
  /** Any JSON value, for programs. */
  publishData(data: unknown, options?: { key?: string }): Promise<Sent>;
  history(page?: { before?: number; after?: number; limit?: number }): Promise<History & { epoch: string }>;
  presence(): Promise<{ members: User[]; member_count: number }>;
  /** To be called at every key press; publishing ends it. */
  type(on?: boolean): void;
  delete(offset: number): Promise<void>;
}

export interface ClientEvents {
  state: (state: State) => void;
  online: (welcome: { user: User; [member: string]: unknown }) => void;
  /** No connection will come by itself. */
  refused: (error: FoyerError) => void;
  room: (room: Room) => void;
  room_state: (state: RoomState, room: Room) => void;
  message: (message: Message, room: Room, how: { recovered: boolean }) => void;
  history: (history: History, room: Room) => void;
  joined: (how: { recovered: boolean; by: string }, room: Room) => void;
  deleted: (change: { offset: number; change: number }, room: Room) => void;
  author_detached: (change: { user: User; erased?: true; change: number }, room: Room) => void;
  members: (change: { joined?: User; left?: User }, room: Room) => void;
  typing: (typing: Map<string, { name: string; until: number }>, room: Room) => void;
  invitation: (invitation: { room: string; from: User; expires_at: string }) => void;
  declined: (declined: { room: string }) => void;
  room_added: (added: { room: string }) => void;
  room_removed: (removed: { room: string; code?: string }) => void;
  token_expiring: (expiring: { expires_at?: string }) => void;
  closing: (closing: { retry_after_ms?: number }) => void;
}

export interface Client {
  readonly state: State;
  readonly online: boolean;
  readonly user: User | null;
  readonly permissions: string[];
  readonly limits: Record<string, number> | null;
  /** Why it is not online. */
  readonly error: FoyerError | null;
  /** In ms since 1970: when it connects next; null: it does not wait. */
  readonly retryAt: number | null;
  readonly rooms: Map<string, Room>;
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): Off;
  start(): void;
  close(): void;
  retryNow(): void;
  ready(): Promise<Client>;
  room(name: string): Room;
  join(name: string, options?: JoinOptions): Promise<Room>;
  list(): Promise<{ room: string; kind: string; epoch: string; offset: number }[]>;
  /** Any command of docs/protocol.md; resolves with its answer. */
  request(type: string, fields?: object): Promise<any>;
}

export function connect(options: ConnectOptions): Client;
