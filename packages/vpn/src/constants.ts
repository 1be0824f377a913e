/**
 * Numbers of the VPN: those that both sides must share first, then those that a member may tune for itself.
 * The README's table gives the reasons.
 */

/** MTU of the TAP device: the least that IPv6 allows, so that a frame fits a 1,200-byte path in two parts. */
export const TAP_MTU_BYTES = 1280;

/** Largest frame: the MTU and an Ethernet header. */
export const FRAME_MAX_BYTES = TAP_MTU_BYTES + 14;

/** How long our machine may use the address that DHCP gave it: it hears of another one half of this later at most. */
export const DHCP_LEASE_S = 300;

/** How often a held address is claimed again; the claim's record must live for several of these. */
export const CLAIM_RENEW_MS = 60_000;

/** When a claim without an answer counts as failed. */
export const CLAIM_ANSWER_MS = 15_000;

/** First pause after a failed claim; doubles. */
export const CLAIM_RETRY_MS = 1_000;

/** Longest pause between claims. */
export const CLAIM_RETRY_MAX_MS = 60_000;

/** So many taken addresses in a row are left without a pause. */
export const CLAIM_QUICK_MOVES = 8;

/** How long an answer "P owns it" is used. */
export const OWNER_MS = 120_000;

/** From this age on, use of an answer asks again in the background. */
export const OWNER_REFRESH_MS = 90_000;

/** From this age on, a frame that contradicts an answer makes us ask again: its sender may have moved there. */
export const OWNER_DOUBT_MS = 10_000;

/** How long an answer "nobody owns it" is used. */
export const NO_OWNER_MS = 2_000;

/**
 * While frames wait, an answer "nobody" is doubted so often, after these pauses: an address that was claimed just now,
 * or whose record is on its way to other holders, is found a moment later.
 */
export const MISS_RETRY_MS: readonly number[] = [100, 300, 900];

/** Such an answer is doubted while no more addresses than this are waited for: a scan is no reason to ask more. */
export const RETRY_ADDRESSES_MAX = 8;

/** Questions that frames of our own machine may cause: so many at once ... */
export const FINDS_BURST = 64;

/** ... and so many a second. */
export const FINDS_PER_SECOND = 32;

/** Answers kept; the one learned longest ago goes first. */
export const OWNERS_MAX = 4_096;

/** When a question about an owner may be asked again. */
export const FIND_AGAIN_MS = 5_000;

/** Questions open at once. */
export const FINDS_MAX = 1_024;

/** How long a frame waits for the owner of an address. */
export const PENDING_MS = 2_000;

/** Frames that wait for one address. */
export const PENDING_PER_ADDRESS = 32;

/** Frames that wait in all, in each direction. */
export const PENDING_MAX = 256;

/** Questions that frames of one peer may cause: so many at once ... */
export const PEER_FINDS_BURST = 4;

/** ... and so many a second. */
export const PEER_FINDS_PER_SECOND = 1;

/** Echo requests of one peer that a member without a TAP answers in a second. */
export const ECHOES_PER_SECOND = 100;

/** Peers whose rates are remembered; the one heard of longest ago goes first. */
export const RATED_PEERS_MAX = 1_024;

/** When an unanswered ping is forgotten. */
export const PING_MS = 10_000;

/** Pings of ours that may be unanswered. */
export const PINGS_MAX = 1_024;

/** Multicast and broadcast frames, of our own machine and of each peer: so many at once ... */
export const GROUP_FRAMES_BURST = 50;

/** ... and so many a second. */
export const GROUP_FRAMES_PER_SECOND = 20;

/** Members that get a copy of such a frame: those who asked, the first so many. */
export const LISTENERS_MAX = 32;

/** Largest answer to a DNS query: what is left of the MTU beside the headers of IPv6 and UDP. */
export const DNS_ANSWER_MAX_BYTES = TAP_MTU_BYTES - 48;
