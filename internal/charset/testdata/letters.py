#!/usr/bin/env python3
"""Makes ../letters.txt: letters.py FINNISH > ../letters.txt

FINNISH is the Finnish words of the npm package cspell-dict-fi-fi, one a line, as
`cspell-trie reader dict/fi-fi.trie.gz` prints them. The words of the other languages are
those of the Debian packages wngerman, wfrench, wspanish, witalian, wportuguese,
wswedish, wdanish, wnorwegian, wdutch, wcatalan, wpolish, myspell-et and hunspell-pt-br,
-is, -cs, -sk, -hu, -ro, -hr, -sl, -tr, -lt, -lv.

None of these words is in the result. Of each letter beyond ASCII it has how often it
stands between which two neighbours, as a share of all such letters of the language, in
bits: -log2(share). What a language has less than three times, or less than once in
11,585 letters, is left out.
"""
import collections, math, re, sys, unicodedata

DICT, HUNSPELL = '/usr/share/dict/', '/usr/share/hunspell/'

# Words that English took from elsewhere with their accents.
ENGLISH = """naïve café résumé fiancé fiancée façade cliché décor zoë chloë brontë citroën noël piñata señor jalapeño crème brûlée déjà à über touché risqué soufflé protégé entrée première née mêlée château pâté rosé coördinate naïveté beyoncé raphaël renée andré josé exposé matinée café décor"""

# Words of every day, each of which counts as a 150th of all that the dictionary has: a
# dictionary has each word once, however often people write it.
COMMON = {
'fr':'à été déjà très après où là même être voilà français près côté août forêt océan île goût œuvre cœur hôtel noël château',
'de':'für über können schön größe möglich grüße straße mädchen österreich süß',
'es':'fútbol árbol últimos música público niños qué está más también así él sí año aquí próximo información navidad niño',
'it':'è più perché così già può città qualità caffè lunedì sarà é menù virtù università né là lì',
'pt':'pôr órgãos você pão família praia público manhã é não são à já até você três só está mãe promoções avó avô coração irmã vocês às páscoa verão',
'da':'på så også før når år øl ø å blåbær', 'sv':'på är för så även då år ö å från','no':'på å så også før når år være øl ø',
'ca':'és més això què però també català avió','is':'á í og það þú ég að ó','et':'või üks ära öö õ jää','fi':'on ä hyvää päivää yö äiti kesä',
'nl':'één vóór café financiële privé ideeën','tr':'gibi küçük büyük güzel günü kadın yeni çalışma güneş deniz dağı yılında türkiye doğa ve için çok bir şu değil ağaç kış','pl':'dzień książka góry małą nową dużą piękna mężczyzna żółty świat się jest są już też że być więcej zdjęcie',
'cs':'dětí lidí městě domě českém nové dobrý malá krásné zámků stromů že je už při ještě není být který','sk':'detí ľudí meste dobrý nová krásne stromov domáce mladý veľký že už aj je pri ešte byť ktorý','hu':'idő erdő nők első felnőtt esők kertből házból napfény jövő kellő műsor és egy őszi nő több fő két női','ro':'casă apă fată mică mare toamnă iarnă țară bună oraș copiii viață și în să că mai după ţară şi',
'hr':'kuća noć djeca život žene riječ što već još će može','sl':'že še kot če več','lt':'kaip už čia ačiū ir žmonių metų darbų vaikų namų naujų gėlė diena žemė mieste pasaulį','lv':'un kā ir par vēl tā pilsētā mājā gadā lielā jaunā latvijā dienās labākā cilvēki zemē bērniem'}


def words(path, encoding=None):
    if encoding is None:
        try:
            open(path, 'rb').read().decode('utf-8')
            encoding = 'utf-8'
        except UnicodeDecodeError:
            encoding = 'iso8859-2' if 'polish' in path else 'latin-1'
    for line in open(path, encoding=encoding, errors='replace'):
        word = line.strip().split('/')[0].split('\t')[0]
        if word:
            yield word


def hunspell(name):
    encoding = 'utf-8'
    for line in open(HUNSPELL + name + '.aff', encoding='latin-1'):
        if m := re.match(r'SET\s+(\S+)', line):
            encoding = re.sub('^ISO8859', 'iso8859', m.group(1))
            break
    return words(HUNSPELL + name + '.dic', encoding)


def of(language):
    plain = {'de': 'ngerman', 'fr': 'french', 'es': 'spanish', 'it': 'italian', 'sv': 'swedish', 'da': 'danish',
             'no': 'bokmaal', 'nl': 'dutch', 'ca': 'catalan', 'pl': 'polish'}
    if language in plain:
        return words(DICT + plain[language])
    if language == 'pt':
        return list(words(DICT + 'portuguese')) + list(hunspell('pt_BR'))
    if language == 'fi':  # the long ones are made of others
        return (w for w in words(sys.argv[1]) if w[0] != '~' and len(w) < 14)
    if language == 'en':
        return ENGLISH.split() * 4
    return hunspell({'is': 'is_IS', 'et': 'et_EE', 'cs': 'cs_CZ', 'sk': 'sk_SK', 'hu': 'hu_HU', 'ro': 'ro_RO', 'hr': 'hr_HR',
                     'sl': 'sl_SI', 'tr': 'tr_TR', 'lt': 'lt_LT', 'lv': 'lv_LV'}[language])


def count(word, times, places):
    word = '_' + word + '_'
    for i in range(1, len(word) - 1):
        if ord(word[i]) > 127:
            places[word[i - 1:i + 2]] += times


for language in 'de fr es it pt sv da no nl ca is et fi en pl cs sk hu ro hr sl tr lt lv'.split():
    places = collections.Counter()
    for word in of(language):
        word = unicodedata.normalize('NFC', word.replace('İ', 'i').lower())
        if re.match(r'^[^\W\d_]+$', word):
            count(word, 1, places)
    all_words = sum(places.values())
    for word in COMMON.get(language, '').split():
        count(word, max(3, all_words // 150), places)
    total = sum(places.values())
    by_letter = collections.defaultdict(list)
    for place, n in places.items():
        if n >= 3 and n / total > 2 ** -13.5:
            by_letter[place[1]].append(place[0] + place[2] + '%x' % min(15, round(-math.log2(n / total))))
    print(language)
    for letter in sorted(by_letter):
        print(letter + ' ' + ''.join(sorted(by_letter[letter])))
