/** How often something occurs among generated threads; 1 is always. What is rare in life is a little less so here. */
export const PROPORTIONS = {
  /** Threads by somebody who was here before. */
  returning: 0.2,
  /** Of those, the ones in the same chat; else in another, as the same customer. */
  sameChat: 0.5,
  /** Of those, the ones under another customer id, with the address in other letter case. */
  secondIdentity: 0.2,
  /** People who never leave an address. */
  noAddress: 0.12,
  /** People who leave an address with their second thread only; among those who come again. */
  addressLater: 0.12,
  /** People whose profile has a default name only. */
  defaultName: 0.05,
  plusAddress: 0.04,
  mixedCaseAddress: 0.05,
  /** People who write from a company's address; the others use free mail. */
  companyAddress: 0.45,
  /** Addresses with letters beyond ASCII, which hardly any other system takes. */
  nonAsciiAddress: 0.006,
  /** Colleagues of the shop itself, testing. */
  colleague: 0.012,
  phone: 0.2,
  postalAddress: 0.12,
  emailVerified: 0.15,
  /** People whose names are a trap: an apostrophe is in many names anyway, quotes, markup and emoji are rare. */
  quotedName: 0.01,
  markupName: 0.006,
  emojiName: 0.012,
  longCompany: 0.006,

  spam: 0.03,
  preChatForm: 0.72,
  /** Forms from before v3.4, without form_type. */
  oldForm: 0.04,
  numericAnswerIds: 0.3,
  /** Of threads without an address in the pre-chat form: the bot asks for it in the chat. */
  askForEmail: 0.6,
  /** A mistyped address that an agent corrects. */
  correction: 0.03,
  /** Of those: corrected together with the name, which LiveChat words differently. */
  combinedCorrection: 0.4,
  postChatForm: 0.14,
  postChatFormWithEmail: 0.15,
  transcriptEmail: 0.05,
  bot: 0.28,
  /** Nobody answered. */
  missed: 0.04,
  internalNote: 0.1,
  file: 0.04,
  richMessage: 0.05,
  deletedMessage: 0.008,
  longMessage: 0.008,
  emojiMessage: 0.12,
  tagged: 0.55,
  rated: 0.25,
  ratingComment: 0.4,
  summary: 0.2,
  utm: 0.4,
  referrer: 0.6,
  sessionFields: 0.25,
  /** Of those: sessions that outlive the chat. */
  longSession: 0.15,
  /** The visitor opened the chat and left. */
  noEvents: 0.012,
  /** list_archives leaves the events out, get_chat has them. */
  withheldEvents: 0.03,
  restricted: 0.006,
  /** The list of users has agents only. */
  agentsOnly: 0.005,
  longRunning: 0.02,
  openAtEnd: 0.02,
  /** Pairs of threads that begin in the same microsecond, as a share of all threads. */
  sameInstant: 0.012,
  /** Times of creation with all six digits; the others end in three zeros. */
  fullMicroseconds: 0.2,
};

export type Proportions = typeof PROPORTIONS;
