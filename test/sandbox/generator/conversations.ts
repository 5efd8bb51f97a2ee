/** What a chat is about, in one language. Each list is said in order; some of it is left out at random. */
export type Topic = {
  /** The answer in forms, and the tag that agents set. */
  label: string;
  tag: string;
  visitor: readonly string[];
  agent: readonly string[];
};

export type Phrases = {
  hello: readonly string[];
  greeting: readonly string[];
  thanks: readonly string[];
  bye: readonly string[];
  /** Labels of form fields: free text and translated, as sites set them up. */
  labels: {
    name: string;
    email: string;
    company: string;
    question: string;
    topic: string;
    size: string;
    interests: string;
  };
  /** What the visitor is called before anybody knows better. */
  defaultName: string;
  ratingComments: readonly string[];
  topics: readonly Topic[];
};

/** The shop all these chats belong to: software for warehouses, and the scanners that go with it. */
export const SHOP = { name: 'Larkfield', site: 'https://www.larkfield.example', domain: 'larkfield.example' };

const english: Phrases = {
  hello: ['Hi', 'Hello', 'Hello there', 'Good morning', 'hey', ''],
  greeting: [
    'Hi {name}, thanks for reaching out to Larkfield!',
    'Hello! {agent} here, how can I help?',
    'Good day, you are talking to {agent}.',
  ],
  thanks: [
    'Great, thank you!',
    'perfect, thx',
    'That helps a lot, thanks.',
    'ok',
    'Brilliant. Thanks for the quick answer.',
  ],
  bye: ['You are welcome. Have a good day!', 'Happy to help. Bye for now!', 'Anytime!'],
  labels: {
    name: 'Your name',
    email: 'Your email',
    company: 'Company',
    question: 'How can we help?',
    topic: 'What is it about?',
    size: 'Team size',
    interests: 'What are you interested in?',
  },
  defaultName: 'Visitor',
  ratingComments: [
    'Very helpful',
    'Fast and friendly',
    'Took a while, but solved',
    'The bot was useless, {agent} was great',
    'Still waiting for the call back',
    "couldn't answer my question",
  ],
  topics: [
    {
      label: 'Pricing',
      tag: 'pricing',
      visitor: [
        'how much is the Team plan for 25 users?',
        'Is that per month or per year?',
        'And do you give a discount to non-profits?',
        'Can I pay by invoice?',
      ],
      agent: [
        'It is 19 a user and month if you pay yearly.',
        'Per month, billed once a year.',
        'Yes, 20 % off the list price.',
        'From ten users on, by invoice, 30 days.',
      ],
    },
    {
      label: 'Demo',
      tag: 'demo',
      visitor: [
        'I would like to see a demo for our two warehouses.',
        'We use spreadsheets today and it is a mess.',
        'Thursday afternoon would be good',
        'There will be three of us.',
      ],
      agent: [
        'With pleasure. What do you use at the moment?',
        'We hear that a lot. Which day suits you?',
        'I have booked 14:00 your time, the link comes by e-mail.',
        'Noted.',
      ],
    },
    {
      label: 'Integrations',
      tag: 'integration',
      visitor: [
        'Does it connect to our web shop?',
        'We need stock levels pushed every 5 minutes',
        'Is there a webhook when an item runs low?',
        'where are the API docs?',
      ],
      agent: [
        'There is a connector for it, and a REST API.',
        'The connector pushes on change, so faster than that.',
        'Yes, `stock.low`, with the item and the site.',
        'At docs.larkfield.example, no login needed.',
      ],
    },
    {
      label: 'Billing',
      tag: 'billing',
      visitor: [
        'We were charged twice in October.',
        'Invoice LF-20391',
        'Our VAT number is missing on it too',
        'When will the refund arrive?',
      ],
      agent: [
        'I am sorry about that. Which invoice is it?',
        'I see it. The second one is a retry after a timeout.',
        'I will have it reissued with the number.',
        'In three to five working days.',
      ],
    },
    {
      label: 'Technical problem',
      tag: 'bug',
      visitor: [
        'the import stops at row 4012 every time',
        'CSV, exported from the old system',
        'It says "unexpected character"',
        'sure, I can send the file',
      ],
      agent: [
        'Let me look. Which format is the file?',
        'And what does the message say?',
        'That is a stray tab in the description column. Could you send me the file?',
        'Found it. A fix goes out tonight; I attached a cleaned file meanwhile.',
      ],
    },
    {
      label: 'Login',
      tag: 'login',
      visitor: [
        "I can't log in since this morning",
        'yes, twice. No mail came',
        'it is the address I am chatting with',
        'now it worked!',
      ],
      agent: [
        'Have you tried to reset the password?',
        'Which address do you use?',
        'It was on our suppression list after a bounce. I took it off; please try again.',
        'Glad to hear it.',
      ],
    },
    {
      label: 'Scanners',
      tag: 'hardware',
      visitor: [
        'Do the LF-2 scanners survive a cold store?',
        '-25 °C, all shift long',
        'How many do we get per charging dock?',
        'Please quote 40 of them',
      ],
      agent: [
        'Which temperature are we talking about?',
        'Then you want the LF-2C, it is rated to -30 °C.',
        'Five to a dock.',
        'The quote will be in your inbox within the hour.',
      ],
    },
    {
      label: 'Privacy',
      tag: 'privacy',
      visitor: ['Where is our data stored?', 'We need a processing agreement', 'Who signs on your side?'],
      agent: [
        'In Frankfurt or Dallas, you choose when you sign up.',
        'You find it under Settings, Legal, ready to sign.',
        'Our data protection officer, usually the same day.',
      ],
    },
    {
      label: 'Partnership',
      tag: 'partner',
      visitor: [
        'We are a logistics consultancy and would like to resell Larkfield.',
        'About 60 clients, mostly food wholesale',
        'What is the margin?',
      ],
      agent: [
        'Interesting! How many clients do you have?',
        'That fits well. I pass you on to Chiara, who runs the partner programme.',
        'She will send you the terms today.',
      ],
    },
    {
      label: 'Jobs',
      tag: 'jobs',
      visitor: [
        'Hi, is the support engineer role still open?',
        'I applied two weeks ago and heard nothing',
        'ok, thank you',
      ],
      agent: ['It is. Applications are read on Fridays.', 'I will let the team know that you asked.'],
    },
  ],
};

const german: Phrases = {
  hello: ['Hallo', 'Guten Tag', 'Moin', 'Grüß Gott', ''],
  greeting: ['Guten Tag {name}, was kann ich für Sie tun?', 'Hallo, hier ist {agent} von Larkfield.'],
  thanks: ['Super, vielen Dank!', 'Danke für die schnelle Antwort', 'Alles klar.'],
  bye: ['Sehr gern. Einen schönen Tag noch!', 'Gern geschehen. Auf Wiederhören!'],
  labels: {
    name: 'Ihr Name',
    email: 'Ihre E-Mail-Adresse',
    company: 'Firma',
    question: 'Wie können wir helfen?',
    topic: 'Worum geht es?',
    size: 'Teamgröße',
    interests: 'Wofür interessieren Sie sich?',
  },
  defaultName: 'Besucher',
  ratingComments: [
    'Schnell und freundlich',
    'Hat lange gedauert',
    'Problem gelöst, danke {agent}',
    'leider nicht hilfreich',
  ],
  topics: [
    {
      label: 'Preise',
      tag: 'pricing',
      visitor: [
        'Was kostet der Tarif Team für 12 Nutzer?',
        'Gibt es einen Rabatt bei jährlicher Zahlung?',
        'Ist das inklusive Umsatzsteuer?',
      ],
      agent: [
        '19 Euro je Nutzer und Monat bei jährlicher Zahlung.',
        'Der Rabatt ist darin schon enthalten.',
        'Nein, zuzüglich Umsatzsteuer.',
      ],
    },
    {
      label: 'Vorführung',
      tag: 'demo',
      visitor: [
        'Wir hätten gern eine Vorführung für unser Lager in Köln.',
        'Derzeit arbeiten wir mit Excel',
        'Dienstag um 10 Uhr würde passen',
      ],
      agent: [
        'Sehr gern. Womit arbeiten Sie heute?',
        'Welcher Tag passt Ihnen?',
        'Ist eingetragen, der Link kommt per E-Mail.',
      ],
    },
    {
      label: 'Technisches Problem',
      tag: 'bug',
      visitor: [
        'Die Umlaute kommen im Export falsch heraus (Ã¼ statt ü)',
        'Als CSV, geöffnet in Excel',
        'Ah, mit UTF-8 klappt es',
      ],
      agent: ['Wie exportieren Sie denn?', 'Bitte beim Öffnen UTF-8 als Zeichensatz wählen.', 'Freut mich!'],
    },
    {
      label: 'Scanner',
      tag: 'hardware',
      visitor: ['Unsere LF-2 finden das WLAN in Halle 3 nicht mehr.', 'Seit dem Update gestern', 'Alle acht Geräte'],
      agent: [
        'Seit wann ist das so?',
        'Wie viele Geräte betrifft es?',
        'Bitte auf 2.4.1 aktualisieren, ich schicke die Anleitung.',
      ],
    },
  ],
};

const french: Phrases = {
  hello: ['Bonjour', 'Bonjour !', 'Bonsoir', ''],
  greeting: ['Bonjour {name}, que puis-je faire pour vous ?', 'Bonjour, {agent} de Larkfield à votre service.'],
  thanks: ['Parfait, merci beaucoup !', 'Merci pour votre aide', "D'accord, merci."],
  bye: ['Avec plaisir. Bonne journée !', 'Je vous en prie, à bientôt.'],
  labels: {
    name: 'Votre nom',
    email: 'Votre adresse e-mail',
    company: 'Société',
    question: 'Comment pouvons-nous vous aider ?',
    topic: 'Sujet',
    size: "Taille de l'équipe",
    interests: "Qu'est-ce qui vous intéresse ?",
  },
  defaultName: 'Visiteur',
  ratingComments: ['Très réactif', 'Réponse claire, merci {agent}', "Je n'ai pas eu de réponse"],
  topics: [
    {
      label: 'Tarifs',
      tag: 'pricing',
      visitor: [
        'Quel est le prix pour 8 utilisateurs ?',
        "Y a-t-il un engagement d'un an ?",
        'Et pour une association ?',
      ],
      agent: [
        "19 € par utilisateur et par mois, à l'année.",
        'Non, la formule mensuelle est à 24 €.',
        '20 % de remise.',
      ],
    },
    {
      label: 'Démonstration',
      tag: 'demo',
      visitor: [
        "Nous aimerions voir l'outil pour notre entrepôt de Nantes.",
        "Aujourd'hui tout est sur papier…",
        'Jeudi après-midi si possible',
      ],
      agent: [
        'Volontiers. Comment gérez-vous le stock actuellement ?',
        'Quel jour vous conviendrait ?',
        "C'est noté, vous recevrez le lien par e-mail.",
      ],
    },
    {
      label: 'Problème technique',
      tag: 'bug',
      visitor: [
        "L'inventaire ne se synchronise plus depuis ce matin.",
        'Le message dit « jeton expiré »',
        'Ça remarche !',
      ],
      agent: ["Quel message s'affiche ?", 'Pourriez-vous vous reconnecter à la boutique ?', 'Parfait.'],
    },
  ],
};

const spanish: Phrases = {
  hello: ['Hola', 'Buenos días', 'Buenas', ''],
  greeting: ['¡Hola {name}! ¿En qué puedo ayudarle?', 'Buenos días, le atiende {agent}.'],
  thanks: ['¡Muchas gracias!', 'Perfecto, gracias', 'vale'],
  bye: ['A usted. ¡Que tenga un buen día!', '¡Hasta pronto!'],
  labels: {
    name: 'Nombre',
    email: 'Correo electrónico',
    company: 'Empresa',
    question: '¿En qué podemos ayudarle?',
    topic: 'Motivo de la consulta',
    size: 'Tamaño del equipo',
    interests: '¿Qué le interesa?',
  },
  defaultName: 'Visitante',
  ratingComments: ['Muy amable', 'Rápido y claro', 'No me resolvió la duda'],
  topics: [
    {
      label: 'Precios',
      tag: 'pricing',
      visitor: [
        '¿Cuánto cuesta para 15 usuarios?',
        '¿El precio incluye soporte en español?',
        '¿Se puede pagar mensualmente?',
      ],
      agent: ['19 por usuario y mes, con pago anual.', 'Sí, de lunes a viernes.', 'Sí, a 24 por usuario.'],
    },
    {
      label: 'Demostración',
      tag: 'demo',
      visitor: [
        'Queremos una demostración para nuestro almacén.',
        'Somos una distribuidora de azulejos',
        'El miércoles por la mañana',
      ],
      agent: [
        'Con mucho gusto. ¿A qué se dedica la empresa?',
        '¿Qué día le viene bien?',
        'Anotado; recibirá el enlace por correo.',
      ],
    },
    {
      label: 'Escáneres',
      tag: 'hardware',
      visitor: [
        'El escáner no lee los códigos mojados',
        'Trabajamos en una lonja de pescado',
        '¿Y cuánto tarda el envío?',
      ],
      agent: ['¿En qué entorno lo usan?', 'Para eso está el LF-2W, resistente al agua.', 'Tres días hábiles.'],
    },
  ],
};

const portuguese: Phrases = {
  hello: ['Olá', 'Oi', 'Bom dia', ''],
  greeting: ['Olá {name}, como posso ajudar?', 'Bom dia! Aqui é {agent}, da Larkfield.'],
  thanks: ['Muito obrigado!', 'Valeu!', 'Ótimo, obrigada'],
  bye: ['Por nada. Tenha um bom dia!', 'Até logo!'],
  labels: {
    name: 'Seu nome',
    email: 'Seu e-mail',
    company: 'Empresa',
    question: 'Como podemos ajudar?',
    topic: 'Assunto',
    size: 'Tamanho da equipe',
    interests: 'O que lhe interessa?',
  },
  defaultName: 'Visitante',
  ratingComments: ['Atendimento excelente', 'Demorou um pouco', 'Não resolveu'],
  topics: [
    {
      label: 'Preços',
      tag: 'pricing',
      visitor: ['Quanto custa para 30 usuários?', 'Vocês emitem nota fiscal?', 'Tem desconto no plano anual?'],
      agent: ['19 por usuário por mês, no plano anual.', 'Sim, mensalmente.', 'Esse já é o preço com desconto.'],
    },
    {
      label: 'Problema técnico',
      tag: 'bug',
      visitor: ['O aplicativo fecha sozinho quando abro a câmera', 'Android 14', 'Agora funcionou, que bom'],
      agent: ['Qual é a versão do sistema?', 'Por favor atualize o aplicativo para a versão 5.2.', 'Que ótimo!'],
    },
  ],
};

const italian: Phrases = {
  hello: ['Buongiorno', 'Salve', 'Ciao', ''],
  greeting: ['Buongiorno {name}, come posso aiutarla?', 'Salve, sono {agent}.'],
  thanks: ['Perfetto, grazie mille!', 'Grazie', 'Gentilissima'],
  bye: ['Prego, buona giornata!', 'A presto!'],
  labels: {
    name: 'Nome e cognome',
    email: 'Indirizzo e-mail',
    company: 'Azienda',
    question: 'Come possiamo aiutarla?',
    topic: 'Argomento',
    size: 'Dimensione del team',
    interests: 'Che cosa le interessa?',
  },
  defaultName: 'Visitatore',
  ratingComments: ['Molto disponibile', 'Risposta chiara, grazie {agent}', 'Non sono soddisfatto'],
  topics: [
    {
      label: 'Prezzi',
      tag: 'pricing',
      visitor: ['Quanto costa per 6 utenti?', "C'è un periodo di prova?", 'Serve la carta di credito?'],
      agent: ['19 euro a utente al mese, con pagamento annuale.', 'Sì, 30 giorni.', 'No, non serve.'],
    },
    {
      label: 'Dimostrazione',
      tag: 'demo',
      visitor: ["Vorremmo vedere una demo per il magazzino dell'Aquila.", 'Circa 9.000 articoli', 'Venerdì alle 11'],
      agent: [
        'Volentieri. Quanti articoli gestite?',
        'Quando le andrebbe bene?',
        'Segnato, riceverà il link via e-mail.',
      ],
    },
  ],
};

const polish: Phrases = {
  hello: ['Dzień dobry', 'Witam', 'Cześć', ''],
  greeting: ['Dzień dobry {name}, w czym mogę pomóc?', 'Dzień dobry, tu {agent}.'],
  thanks: ['Świetnie, dziękuję!', 'Dzięki za szybką odpowiedź', 'ok, dziękuję'],
  bye: ['Proszę bardzo. Miłego dnia!', 'Do usłyszenia!'],
  labels: {
    name: 'Imię i nazwisko',
    email: 'Adres e-mail',
    company: 'Firma',
    question: 'W czym możemy pomóc?',
    topic: 'Temat',
    size: 'Wielkość zespołu',
    interests: 'Co Państwa interesuje?',
  },
  defaultName: 'Gość',
  ratingComments: ['Bardzo pomocna obsługa', 'Długo czekałem', 'Wszystko jasne'],
  topics: [
    {
      label: 'Cennik',
      tag: 'pricing',
      visitor: [
        'Ile kosztuje abonament dla 10 osób?',
        'Czy wystawiają Państwo fakturę w złotówkach?',
        'A okres próbny?',
      ],
      agent: [
        '19 za osobę miesięcznie przy płatności rocznej.',
        'Tak, po kursie z dnia wystawienia.',
        '30 dni, bez karty.',
      ],
    },
    {
      label: 'Problem techniczny',
      tag: 'bug',
      visitor: ['Etykiety drukują się bez polskich znaków', 'Drukarka ZT-11, połączona po USB', 'Działa, dziękuję!'],
      agent: ['Jaki to model drukarki?', 'Proszę w ustawieniach wybrać stronę kodową 1250.', 'Cieszę się.'],
    },
  ],
};

const japanese: Phrases = {
  hello: ['こんにちは', 'お世話になっております', ''],
  greeting: ['{name}様、お問い合わせありがとうございます。', 'こんにちは、担当の{agent}です。'],
  thanks: ['ありがとうございます。', '助かりました。', '承知しました。'],
  bye: ['またいつでもお問い合わせください。', '失礼いたします。'],
  labels: {
    name: 'お名前',
    email: 'メールアドレス',
    company: '会社名',
    question: 'お問い合わせ内容',
    topic: 'ご用件',
    size: 'チームの人数',
    interests: 'ご興味のある製品',
  },
  defaultName: 'ゲスト',
  ratingComments: ['丁寧な対応でした', '回答が早かったです', '解決しませんでした'],
  topics: [
    {
      label: '料金',
      tag: 'pricing',
      visitor: ['20名で利用した場合の料金を教えてください。', '請求書払いは可能ですか？', '見積書をお願いします。'],
      agent: ['年間契約で1名あたり月額19ユーロです。', 'はい、可能です。', '一時間以内にメールでお送りします。'],
    },
    {
      label: '技術的な問題',
      tag: 'bug',
      visitor: ['商品名の漢字が文字化けします。', 'CSVで取り込んでいます。', '直りました。'],
      agent: ['どの形式で取り込まれていますか？', '文字コードをUTF-8に変更してお試しください。', '何よりです。'],
    },
  ],
};

const BY_LANGUAGE: Record<string, Phrases> = {
  en: english,
  de: german,
  fr: french,
  es: spanish,
  pt: portuguese,
  it: italian,
  pl: polish,
  ja: japanese,
};

/**
 * What people say in a language.
 *
 * @param language two letters
 * @returns the phrases; English ones for a language that nobody here speaks
 */
export function phrasesOf(language: string): Phrases {
  return BY_LANGUAGE[language] ?? english;
}

/** Those who come to sell. */
export const spamLines: readonly string[] = [
  'Dear sir, we can bring your website on page 1 of search results in 30 days!!!',
  'Hello, I found 37 critical SEO errors on your site. May I send you the report?',
  'We provide guest posts with backlinks from 200+ high authority sites. Price list?',
  'Need web designer? 50 % discount only today',
  'Crypto signals with 94 % accuracy, join our group now',
];

/** What agents write for each other, not for the visitor. */
export const internalNotes: readonly string[] = [
  'Same person as last week, see the ticket.',
  'Asked for a discount before. Do not go below 15 %.',
  'Sounds like a competitor.',
  'Big account, please hand over to Chiara.',
];

/** A long complaint, cut to the length a caller wants. */
export const rant =
  'Let me describe what happened from the beginning, because I have explained it three times by now and every time to somebody else. On Monday we counted the whole north hall, forty aisles, and the totals were right. On Tuesday morning aisle 17 was empty in the system and full in real life. We counted it again. On Wednesday aisle 18 was empty in the system. ';
