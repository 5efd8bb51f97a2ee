/** A city as an IP address is located there; coordinates are texts, as LiveChat has them. */
export type City = {
  city: string;
  region: string;
  timezone: string;
  latitude: string;
  longitude: string;
  /** A postal code of the city; empty where the country has none. */
  postalCode: string;
};

/** A name as its bearer writes it, and in Latin letters where that differs: e-mail addresses are made of these. */
export type Name = { written: string; latin: string };

export type Country = {
  /** ISO 3166-1 alpha-2. */
  code: string;
  name: string;
  /** The language most chats from there are held in, where conversations.ts has it. */
  language: string;
  /** How many visitors come from there, against the others. */
  weight: number;
  familyFirst: boolean;
  given: readonly Name[];
  family: readonly Name[];
  cities: readonly City[];
  streets: readonly string[];
  /** What companies there end in. */
  company: readonly string[];
  /**
   * The start of telephone numbers that the country's regulator keeps free for drama and documentation, in E.164, and how
   * many digits follow. Countries without such a range give no numbers here: any other could be somebody's.
   */
  phone?: { prefix: string; digits: number };
};

type Sheet = Omit<Country, 'given' | 'family' | 'cities' | 'familyFirst'> & {
  given: string;
  family: string;
  cities: readonly string[];
  familyFirst?: boolean;
};

/** Names are listed as `written` or `written|latin`; cities as `city; region; time zone; latitude; longitude; postal code`. */
const sheets: readonly Sheet[] = [
  {
    code: 'US',
    name: 'United States',
    language: 'en',
    weight: 16,
    given: 'Emily, Marcus, Denise, Jamal, Heather, Luis, Priscilla, Wyatt, Shanice, Connor, Maribel, Theodore',
    family:
      "Whitaker, Jefferson, O'Connell, Delgado, Novak, Brooks, Castellanos, Hargrove, Kim, St. Clair, Washington, McAllister",
    cities: [
      'Boston; Massachusetts; America/New_York; 42.3601; -71.0589; 02108',
      'Austin; Texas; America/Chicago; 30.2672; -97.7431; 78701',
      'Portland; Oregon; America/Los_Angeles; 45.5152; -122.6784; 97204',
      'Columbus; Ohio; America/New_York; 39.9612; -82.9988; 43215',
      'Boise; Idaho; America/Boise; 43.6150; -116.2023; 83702',
    ],
    streets: ['Maple Avenue', 'W 4th Street', 'Old Mill Road'],
    company: ['Inc.', 'LLC', 'Corp.'],
    phone: { prefix: '+120255501', digits: 2 },
  },
  {
    code: 'CA',
    name: 'Canada',
    language: 'en',
    weight: 5,
    given: 'Noah, Chloé, Gurpreet, Hannah, Étienne, Maude, Liam, Rosalie',
    family: "Tremblay, MacDonald, Singh, Côté, Bouchard, Fraser, D'Amours, Leblanc",
    cities: [
      'Toronto; Ontario; America/Toronto; 43.6532; -79.3832; M5V 2T6',
      'Montréal; Québec; America/Toronto; 45.5019; -73.5674; H2Y 1C6',
      'Halifax; Nova Scotia; America/Halifax; 44.6488; -63.5752; B3J 1S9',
    ],
    streets: ['King Street', 'Rue Saint-Paul', 'Barrington Street'],
    company: ['Ltd.', 'Inc.', 'ltée'],
    phone: { prefix: '+161355501', digits: 2 },
  },
  {
    code: 'MX',
    name: 'Mexico',
    language: 'es',
    weight: 3,
    given: 'Guadalupe, Alejandro, Ximena, José María, Itzel, Emiliano',
    family: 'Hernández, Nuñez, Ortega, Villaseñor, Peña Nieto, Cárdenas',
    cities: [
      'Guadalajara; Jalisco; America/Mexico_City; 20.6597; -103.3496; 44100',
      'Mérida; Yucatán; America/Merida; 20.9674; -89.5926; 97000',
    ],
    streets: ['Avenida Juárez', 'Calle 60'],
    company: ['S.A. de C.V.', 'S. de R.L.'],
  },
  {
    code: 'BR',
    name: 'Brazil',
    language: 'pt',
    weight: 4,
    given: 'João, Beatriz, Thiago, Conceição, Luísa, Caio, Anderson, Letícia',
    family: 'da Silva, Gonçalves, Araújo, Nascimento, de Oliveira, Brandão',
    cities: [
      'São Paulo; São Paulo; America/Sao_Paulo; -23.5505; -46.6333; 01310-100',
      'Recife; Pernambuco; America/Recife; -8.0476; -34.8770; 50030-230',
      'Manaus; Amazonas; America/Manaus; -3.1190; -60.0217; 69005-070',
    ],
    streets: ['Rua das Flores', 'Avenida Boa Viagem'],
    company: ['Ltda.', 'S.A.'],
  },
  {
    code: 'AR',
    name: 'Argentina',
    language: 'es',
    weight: 2,
    given: 'Martín, Agustina, Facundo, Belén, Joaquín',
    family: 'Fernández, Ibáñez, Güemes, Rossi, Quiroga',
    cities: [
      'Rosario; Santa Fe; America/Argentina/Cordoba; -32.9442; -60.6505; S2000',
      'Mendoza; Mendoza; America/Argentina/Mendoza; -32.8895; -68.8458; M5500',
    ],
    streets: ['Calle San Martín', 'Bulevar Oroño'],
    company: ['S.A.', 'S.R.L.'],
  },
  {
    code: 'CL',
    name: 'Chile',
    language: 'es',
    weight: 1,
    given: 'Catalina, Benjamín, Javiera, Matías',
    family: 'Muñoz, Sepúlveda, Yáñez, Contreras',
    cities: ['Valparaíso; Valparaíso; America/Santiago; -33.0472; -71.6127; 2340000'],
    streets: ['Calle Condell', 'Avenida Errázuriz'],
    company: ['SpA', 'Ltda.'],
  },
  {
    code: 'GB',
    name: 'United Kingdom',
    language: 'en',
    weight: 9,
    given: 'Harriet, Oliver, Siân, Callum, Nadia, Rhys, Imogen, Alasdair, Yusuf',
    family: "Ashworth, Patel, O'Neill, MacLeod, Featherstonehaugh, Hughes, Akhtar, ap Rhys",
    cities: [
      'Leeds; England; Europe/London; 53.8008; -1.5491; LS1 4AP',
      'Cardiff; Wales; Europe/London; 51.4816; -3.1791; CF10 1EP',
      'Glasgow; Scotland; Europe/London; 55.8642; -4.2518; G1 3SL',
      'Bristol; England; Europe/London; 51.4545; -2.5879; BS1 5TR',
    ],
    streets: ['Station Road', 'Church Lane', "St. Mary's Terrace"],
    company: ['Ltd', 'plc', 'LLP'],
    phone: { prefix: '+447700900', digits: 3 },
  },
  {
    code: 'IE',
    name: 'Ireland',
    language: 'en',
    weight: 2,
    given: 'Aoife, Ciarán, Niamh, Pádraig, Sinéad',
    family: "O'Brien, Ní Dhomhnaill, McCarthy, Ó Súilleabháin, Byrne",
    cities: [
      'Galway; Connacht; Europe/Dublin; 53.2707; -9.0568; H91 E9C2',
      'Cork; Munster; Europe/Dublin; 51.8985; -8.4756; T12 W8KR',
    ],
    streets: ['Shop Street', 'Patrick Street'],
    company: ['Ltd', 'DAC'],
    phone: { prefix: '+353209100', digits: 3 },
  },
  {
    code: 'FR',
    name: 'France',
    language: 'fr',
    weight: 6,
    given: 'Aurélie, Jean-Baptiste, Chloé, Loïc, Anaïs, Françoise, Théo, Maëlys',
    family: "Lefèvre, d'Artagnan, Bézier, N'Diaye, Garçon, Le Goff, Crêpin, Moreau",
    cities: [
      'Nantes; Pays de la Loire; Europe/Paris; 47.2184; -1.5536; 44000',
      'Lyon; Auvergne-Rhône-Alpes; Europe/Paris; 45.7640; 4.8357; 69002',
      "L'Haÿ-les-Roses; Île-de-France; Europe/Paris; 48.7800; 2.3374; 94240",
    ],
    streets: ['rue de la République', 'quai de la Fosse', 'avenue Jean-Jaurès'],
    company: ['SARL', 'SAS', 'SA'],
    phone: { prefix: '+3319900', digits: 4 },
  },
  {
    code: 'DE',
    name: 'Germany',
    language: 'de',
    weight: 9,
    given: 'Jörg, Käthe, Svenja, Björn, Anneliese, Cem, Lieselotte, Till, Mareike',
    family: 'Müller, Weiß, Schäfer, von der Heide, Yıldız, Großmann, Köhler-Brandt, Öztürk, Krüger',
    cities: [
      'Köln; Nordrhein-Westfalen; Europe/Berlin; 50.9375; 6.9603; 50667',
      'Leipzig; Sachsen; Europe/Berlin; 51.3397; 12.3731; 04109',
      'München; Bayern; Europe/Berlin; 48.1351; 11.5820; 80331',
      'Bad Münstereifel; Nordrhein-Westfalen; Europe/Berlin; 50.5539; 6.7661; 53902',
    ],
    streets: ['Hauptstraße', 'Gärtnerweg', 'Am Alten Bahnhof'],
    company: ['GmbH', 'AG', 'GmbH & Co. KG', 'e. K.'],
    phone: { prefix: '+493023125', digits: 3 },
  },
  {
    code: 'AT',
    name: 'Austria',
    language: 'de',
    weight: 2,
    given: 'Franziska, Sepp, Veronika, Matthäus',
    family: 'Gruber, Höllwarth, Wögerer, Steinböck',
    cities: [
      'Graz; Steiermark; Europe/Vienna; 47.0707; 15.4395; 8010',
      'St. Pölten; Niederösterreich; Europe/Vienna; 48.2047; 15.6256; 3100',
    ],
    streets: ['Herrengasse', 'Schießstattring'],
    company: ['GmbH', 'OG'],
  },
  {
    code: 'CH',
    name: 'Switzerland',
    language: 'de',
    weight: 2,
    given: 'Reto, Ursina, Beat, Flurina',
    family: 'Zürcher, Aebischer, Caduff, Müller-Hürlimann',
    cities: [
      'Zürich; Zürich; Europe/Zurich; 47.3769; 8.5417; 8001',
      'Chur; Graubünden; Europe/Zurich; 46.8508; 9.5320; 7000',
    ],
    streets: ['Bahnhofstrasse', 'Obere Gasse'],
    company: ['AG', 'GmbH'],
  },
  {
    code: 'NL',
    name: 'Netherlands',
    language: 'en',
    weight: 3,
    given: 'Sjoerd, Maartje, Daan, Fenna, Bas',
    family: "van den Berg, de Vries, 't Hooft, IJsselmuiden, van 't Hof",
    cities: [
      'Utrecht; Utrecht; Europe/Amsterdam; 52.0907; 5.1214; 3511 CE',
      "'s-Hertogenbosch; Noord-Brabant; Europe/Amsterdam; 51.6978; 5.3037; 5211 JH",
    ],
    streets: ['Oudegracht', 'Kerkstraat'],
    company: ['B.V.', 'N.V.'],
  },
  {
    code: 'ES',
    name: 'Spain',
    language: 'es',
    weight: 4,
    given: 'Begoña, Íñigo, María del Mar, Jordi, Nekane, Álvaro',
    family: 'García-López, Muñiz, Etxeberria, Cañizares, Puig i Cadafalch, Vázquez',
    cities: [
      'Sevilla; Andalucía; Europe/Madrid; 37.3891; -5.9845; 41001',
      'A Coruña; Galicia; Europe/Madrid; 43.3623; -8.4115; 15001',
      'Las Palmas de Gran Canaria; Canarias; Atlantic/Canary; 28.1235; -15.4363; 35001',
    ],
    streets: ['Calle Sierpes', 'Rúa Real', 'Paseo de las Canteras'],
    company: ['S.L.', 'S.A.U.'],
  },
  {
    code: 'PT',
    name: 'Portugal',
    language: 'pt',
    weight: 2,
    given: 'Inês, Gonçalo, Matilde, Simão',
    family: 'Magalhães, Conceição, Simões, Brandão',
    cities: [
      'Porto; Porto; Europe/Lisbon; 41.1579; -8.6291; 4000-322',
      'Ponta Delgada; Açores; Atlantic/Azores; 37.7412; -25.6756; 9500-150',
    ],
    streets: ['Rua de Santa Catarina', 'Largo da Matriz'],
    company: ['Lda.', 'S.A.'],
  },
  {
    code: 'IT',
    name: 'Italy',
    language: 'it',
    weight: 4,
    given: 'Niccolò, Ilaria, Beatrice, Salvatore, Noemi, Andrea',
    family: "D'Angelo, Dell'Acqua, Lo Presti, Rinaldi, De Santis, Nicolò",
    cities: [
      'Torino; Piemonte; Europe/Rome; 45.0703; 7.6869; 10121',
      "L'Aquila; Abruzzo; Europe/Rome; 42.3498; 13.3995; 67100",
      'Cagliari; Sardegna; Europe/Rome; 39.2238; 9.1217; 09124',
    ],
    streets: ['Via Garibaldi', 'Corso Vittorio Emanuele II'],
    company: ['S.r.l.', 'S.p.A.'],
  },
  {
    code: 'PL',
    name: 'Poland',
    language: 'pl',
    weight: 4,
    given: 'Małgorzata, Łukasz, Żaneta, Stanisław, Agnieszka, Świętosław',
    family: 'Kowalska, Wiśniewski, Żółć, Dąbrowska, Śliwiński, Grzegrzółka',
    cities: [
      'Wrocław; Dolnośląskie; Europe/Warsaw; 51.1079; 17.0385; 50-101',
      'Łódź; Łódzkie; Europe/Warsaw; 51.7592; 19.4560; 90-001',
    ],
    streets: ['ul. Świdnicka', 'ul. Piotrkowska'],
    company: ['Sp. z o.o.', 'S.A.'],
  },
  {
    code: 'CZ',
    name: 'Czechia',
    language: 'en',
    weight: 1,
    given: 'Jiří, Zdeňka, Ondřej, Kateřina',
    family: 'Dvořáková, Říha, Šťastný, Novotná',
    cities: ['Brno; Jihomoravský kraj; Europe/Prague; 49.1951; 16.6068; 602 00'],
    streets: ['Česká', 'Údolní'],
    company: ['s.r.o.', 'a.s.'],
  },
  {
    code: 'SE',
    name: 'Sweden',
    language: 'en',
    weight: 2,
    given: 'Åsa, Björn, Märta, Östen',
    family: 'Ström, Åkesson, Lindqvist, Sjögren',
    cities: [
      'Göteborg; Västra Götaland; Europe/Stockholm; 57.7089; 11.9746; 411 06',
      'Umeå; Västerbotten; Europe/Stockholm; 63.8258; 20.2630; 903 26',
    ],
    streets: ['Storgatan', 'Östra Hamngatan'],
    company: ['AB'],
    phone: { prefix: '+4670174063', digits: 1 },
  },
  {
    code: 'DK',
    name: 'Denmark',
    language: 'en',
    weight: 1,
    given: 'Søren, Mette, Åge, Freja',
    family: 'Østergaard, Kjær, Sørensen, Bødker',
    cities: ['Aarhus; Midtjylland; Europe/Copenhagen; 56.1629; 10.2039; 8000'],
    streets: ['Søndergade', 'Nørre Allé'],
    company: ['ApS', 'A/S'],
  },
  {
    code: 'FI',
    name: 'Finland',
    language: 'en',
    weight: 1,
    given: 'Päivi, Jyrki, Sanna, Väinö',
    family: 'Hämäläinen, Mäkelä, Yli-Äyhö, Korhonen',
    cities: ['Jyväskylä; Keski-Suomi; Europe/Helsinki; 62.2426; 25.7473; 40100'],
    streets: ['Kauppakatu', 'Hämeentie'],
    company: ['Oy', 'Oyj'],
  },
  {
    code: 'GR',
    name: 'Greece',
    language: 'en',
    weight: 1,
    given: 'Ελένη|Eleni, Γιώργος|Giorgos, Δήμητρα|Dimitra, Nikos',
    family: 'Παπαδόπουλος|Papadopoulos, Νικολάου|Nikolaou, Αγγελίδη|Angelidi',
    cities: ['Θεσσαλονίκη; Κεντρική Μακεδονία; Europe/Athens; 40.6401; 22.9444; 546 24'],
    streets: ['Τσιμισκή', 'Εγνατία'],
    company: ['Α.Ε.', 'Ο.Ε.'],
  },
  {
    code: 'TR',
    name: 'Türkiye',
    language: 'en',
    weight: 2,
    given: 'İrem, Çağrı, Oğuzhan, Şule',
    family: 'Yıldırım, Gökçe, Şahin, Türkoğlu',
    cities: [
      'İzmir; İzmir; Europe/Istanbul; 38.4237; 27.1428; 35210',
      'Eskişehir; Eskişehir; Europe/Istanbul; 39.7767; 30.5206; 26010',
    ],
    streets: ['Atatürk Caddesi', 'Kıbrıs Şehitleri Caddesi'],
    company: ['A.Ş.', 'Ltd. Şti.'],
  },
  {
    code: 'UA',
    name: 'Ukraine',
    language: 'en',
    weight: 2,
    given: 'Олена|Olena, Тарас|Taras, Ганна|Hanna, Юрій|Yurii',
    family: 'Шевчук|Shevchuk, Коваленко|Kovalenko, Бондар|Bondar',
    cities: ['Львів; Львівська область; Europe/Kyiv; 49.8397; 24.0297; 79000'],
    streets: ['вулиця Городоцька', 'проспект Свободи'],
    company: ['ТОВ', 'ПП'],
  },
  {
    code: 'RO',
    name: 'Romania',
    language: 'en',
    weight: 1,
    given: 'Ștefan, Ioana, Mădălina, Răzvan',
    family: 'Ionescu, Țăranu, Brâncoveanu, Popa',
    cities: ['Cluj-Napoca; Cluj; Europe/Bucharest; 46.7712; 23.6236; 400001'],
    streets: ['Strada Avram Iancu', 'Bulevardul Eroilor'],
    company: ['S.R.L.'],
  },
  {
    code: 'HU',
    name: 'Hungary',
    language: 'en',
    weight: 1,
    familyFirst: true,
    given: 'Erzsébet, Győző, Zsófia, Ödön',
    family: 'Szabó, Kőrösi, Nagy-Tóth, Füzesi',
    cities: ['Győr; Győr-Moson-Sopron; Europe/Budapest; 47.6875; 17.6504; 9021'],
    streets: ['Baross Gábor út', 'Kossuth Lajos utca'],
    company: ['Kft.', 'Zrt.'],
  },
  {
    code: 'IL',
    name: 'Israel',
    language: 'en',
    weight: 1,
    given: 'נועה|Noa, אורי|Uri, Shira, Eitan',
    family: 'לוי|Levi, מזרחי|Mizrahi, Ben-Ami, פרץ|Peretz',
    cities: ['Haifa; Haifa District; Asia/Jerusalem; 32.7940; 34.9896; 3303139'],
    streets: ['HaNassi Boulevard', 'Sderot Ben Gurion'],
    company: ['Ltd.'],
  },
  {
    code: 'AE',
    name: 'United Arab Emirates',
    language: 'en',
    weight: 2,
    given: 'فاطمة|Fatima, أحمد|Ahmed, Layla, Rashid',
    family: 'المنصوري|Al Mansoori, القاسمي|Al Qasimi, Haddad',
    cities: ['Sharjah; Sharjah; Asia/Dubai; 25.3463; 55.4209; ', 'Dubai; Dubai; Asia/Dubai; 25.2048; 55.2708; '],
    streets: ['Al Wahda Street', 'Corniche Road'],
    company: ['FZE', 'LLC'],
  },
  {
    code: 'EG',
    name: 'Egypt',
    language: 'en',
    weight: 1,
    given: 'محمد|Mohamed, سلمى|Salma, Omar, Yasmine',
    family: 'حسن|Hassan, عبد الرحمن|Abdelrahman, Mansour',
    cities: ['Alexandria; Alexandria; Africa/Cairo; 31.2001; 29.9187; 21500'],
    streets: ['El Horreya Road', 'Fouad Street'],
    company: ['S.A.E.', 'LLC'],
  },
  {
    code: 'IN',
    name: 'India',
    language: 'en',
    weight: 6,
    given: 'Ananya, Rohit, प्रिया|Priya, Harish, Lakshmi, Imran, Devika, अर्जुन|Arjun',
    family: 'Venkataraman, शर्मा|Sharma, Chatterjee, D’Souza|DSouza, Khan, Pillai, Deshpande',
    cities: [
      'Pune; Maharashtra; Asia/Kolkata; 18.5204; 73.8567; 411001',
      'Kochi; Kerala; Asia/Kolkata; 9.9312; 76.2673; 682001',
      'Kolkata; West Bengal; Asia/Kolkata; 22.5726; 88.3639; 700001',
    ],
    streets: ['MG Road', 'Park Street', 'Tilak Path'],
    company: ['Pvt. Ltd.', 'LLP'],
  },
  {
    code: 'JP',
    name: 'Japan',
    language: 'ja',
    weight: 3,
    familyFirst: true,
    given: '翔太|Shota, 美咲|Misaki, さくら|Sakura, 健一|Kenichi, 陽菜|Hina',
    family: '佐藤|Sato, 高橋|Takahashi, 渡辺|Watanabe, 小野寺|Onodera, 齋藤|Saito',
    cities: [
      '大阪市; 大阪府; Asia/Tokyo; 34.6937; 135.5023; 530-0001',
      'Sapporo; Hokkaidō; Asia/Tokyo; 43.0618; 141.3545; 060-0001',
    ],
    streets: ['梅田', '大通西'],
    company: ['株式会社', '合同会社'],
  },
  {
    code: 'KR',
    name: 'South Korea',
    language: 'en',
    weight: 2,
    familyFirst: true,
    given: '민준|Minjun, 서연|Seoyeon, 지우|Jiwoo, 하은|Haeun',
    family: '김|Kim, 박|Park, 최|Choi, 정|Jung',
    cities: ['부산; 부산광역시; Asia/Seoul; 35.1796; 129.0756; 48058'],
    streets: ['해운대로', '중앙대로'],
    company: ['주식회사'],
  },
  {
    code: 'TW',
    name: 'Taiwan',
    language: 'en',
    weight: 1,
    familyFirst: true,
    given: '志明|Chih-Ming, 雅婷|Ya-Ting, 淑芬|Shu-Fen',
    family: '陳|Chen, 林|Lin, 黃|Huang',
    cities: ['臺中市; 臺中市; Asia/Taipei; 24.1477; 120.6736; 403'],
    streets: ['臺灣大道', '公益路'],
    company: ['有限公司'],
  },
  {
    code: 'VN',
    name: 'Vietnam',
    language: 'en',
    weight: 1,
    familyFirst: true,
    given: 'Thị Hương, Văn Đức, Ngọc Ánh, Quốc Bảo',
    family: 'Nguyễn, Trần, Phạm, Đặng',
    cities: ['Đà Nẵng; Đà Nẵng; Asia/Ho_Chi_Minh; 16.0544; 108.2022; 550000'],
    streets: ['Đường Bạch Đằng', 'Đường Lê Duẩn'],
    company: ['TNHH'],
  },
  {
    code: 'TH',
    name: 'Thailand',
    language: 'en',
    weight: 1,
    given: 'สมชาย|Somchai, กมลชนก|Kamonchanok, Anong',
    family: 'ศรีสุข|Srisuk, วงศ์สวัสดิ์|Wongsawat',
    cities: ['เชียงใหม่; เชียงใหม่; Asia/Bangkok; 18.7883; 98.9853; 50200'],
    streets: ['ถนนนิมมานเหมินท์', 'Tha Phae Road'],
    company: ['Co., Ltd.'],
  },
  {
    code: 'PH',
    name: 'Philippines',
    language: 'en',
    weight: 2,
    given: 'Maria Cristina, Jomar, Liezl, Ramón',
    family: 'dela Cruz, Santos, Macapagal, Peñaflor',
    cities: ['Cebu City; Central Visayas; Asia/Manila; 10.3157; 123.8854; 6000'],
    streets: ['Osmeña Boulevard', 'Colon Street'],
    company: ['Inc.', 'Corp.'],
  },
  {
    code: 'AU',
    name: 'Australia',
    language: 'en',
    weight: 4,
    given: 'Jarrah, Matilda, Lachlan, Mei-Ling, Brianna',
    family: "O'Shea, Nguyen, Fitzgerald, Papas, Wilkinson",
    cities: [
      'Hobart; Tasmania; Australia/Hobart; -42.8821; 147.3272; 7000',
      'Perth; Western Australia; Australia/Perth; -31.9523; 115.8613; 6000',
    ],
    streets: ['Elizabeth Street', 'Hay Street'],
    company: ['Pty Ltd'],
    phone: { prefix: '+6125550', digits: 4 },
  },
  {
    code: 'NZ',
    name: 'New Zealand',
    language: 'en',
    weight: 1,
    given: 'Māia, Tāne, Georgia, Hōhepa',
    family: 'Ngata, Te Kanawa, Williams, Parāone',
    cities: ['Dunedin; Otago; Pacific/Auckland; -45.8788; 170.5028; 9016'],
    streets: ['George Street', 'Princes Street'],
    company: ['Limited'],
  },
  {
    code: 'ZA',
    name: 'South Africa',
    language: 'en',
    weight: 2,
    given: 'Thandiwe, Pieter, Nomvula, Zoë, Sipho',
    family: "Dlamini, van der Merwe, Ndlovu, Naidoo, N'gwenya",
    cities: ['Durban; KwaZulu-Natal; Africa/Johannesburg; -29.8587; 31.0218; 4001'],
    streets: ['Florida Road', 'Anton Lembede Street'],
    company: ['(Pty) Ltd'],
  },
  {
    code: 'NG',
    name: 'Nigeria',
    language: 'en',
    weight: 2,
    given: 'Chiamaka, Olúwaṣeun, Ifeanyi, Zainab',
    family: 'Okonkwo, Adéyẹmí, Bello, Eze',
    cities: ['Ibadan; Oyo; Africa/Lagos; 7.3775; 3.9470; 200001'],
    streets: ['Ring Road', 'Awolowo Avenue'],
    company: ['Ltd'],
  },
  {
    code: 'KE',
    name: 'Kenya',
    language: 'en',
    weight: 1,
    given: 'Wanjiru, Otieno, Achieng, Kiprono',
    family: "Mwangi, Odhiambo, Ng'ang'a, Cheruiyot",
    cities: ['Kisumu; Kisumu County; Africa/Nairobi; -0.0917; 34.7680; 40100'],
    streets: ['Oginga Odinga Street', 'Moi Avenue'],
    company: ['Ltd'],
  },
];

/** Where visitors come from: real cities, regions and time zones, and names that people there bear. */
export const countries: readonly Country[] = sheets.map(({ given, family, cities, familyFirst, ...rest }) => ({
  ...rest,
  familyFirst: familyFirst ?? false,
  given: names(given),
  family: names(family),
  cities: cities.map(cityOf),
}));

/** Each country as often as its weight, to pick from. */
export const weightedCountries: readonly Country[] = countries.flatMap((country) =>
  Array.from({ length: country.weight }, () => country),
);

function names(list: string): Name[] {
  return list.split(', ').map((entry) => {
    const [written = entry, latin = written] = entry.split('|');
    return { written, latin };
  });
}

function cityOf(line: string): City {
  const [city = '', region = '', timezone = '', latitude = '', longitude = '', postalCode = ''] = line.split('; ');
  return { city, region, timezone, latitude, longitude, postalCode };
}
