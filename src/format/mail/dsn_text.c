/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/dsn_text.h"

#include "base/cursor.h"
#include "format/mail/header.h"

const struct dsn_text dsn_texts[DSN_LANGUAGES] = {
    [DSN_ENGLISH] =
        {
            .code = "en",
            .hello = "Hello,",
            .intro = "this is the mail server {}. It writes about this mail of yours:",
            .subject_name = "Subject",
            .date_name = "Sent",
            .actions =
                {
                    [DSN_FAILED] = {"Your mail could not be delivered",
                                    "It could not be delivered to:",
                                    "The server will not try again. Once the cause is gone, please "
                                    "send your mail once more."},
                    [DSN_DELAYED] = {"Your mail is delayed", "It is still on its way to:",
                                     "You need not do anything: the server goes on trying and will "
                                     "tell you if it does not succeed."},
                    [DSN_DELIVERED] = {"Your mail was delivered", "It was delivered to:",
                                       "Whether it was read, this server cannot know."},
                    [DSN_RELAYED] = {"Your mail was passed on",
                                     "It was passed on, to a server that does not report "
                                     "deliveries, for:",
                                     "Most likely it has arrived. You will hear of it again only "
                                     "if it could not be delivered."},
                    [DSN_EXPANDED] = {"Your mail was passed on to a list",
                                      "It was passed on to all whom this address stands for:",
                                      "You will not hear about each of them."},
                },
            .until = "The server goes on trying until {}.",
            .said = "The server {} said:",
            .reason = "The reason:",
            .more = "and {} more, all of them named in the attached details",
            .header_attached = "Attached are the technical details and the header of your mail.",
            .mail_attached = "Attached are the technical details and your mail.",
            .advice =
                {
                    [DSN_ADVICE_OTHER] = "The recipient's server refused the mail. What it said "
                                         "may tell why.",
                    [DSN_ADVICE_ADDRESS] = "There is no such address. Please look for a typing "
                                           "error, or ask the recipient for the right address.",
                    [DSN_ADVICE_DOMAIN] = "What stands behind the @ does not exist or takes no "
                                          "mail. Please look for a typing error there.",
                    [DSN_ADVICE_SENDER] = "The recipient's server does not accept your own "
                                          "address. Please ask your mail administrator.",
                    [DSN_ADVICE_DISABLED] = "The mailbox takes no mail at present. Please reach "
                                            "the recipient in another way.",
                    [DSN_ADVICE_FULL] = "The mailbox is full. Please try again in some days, or "
                                        "reach the recipient in another way.",
                    [DSN_ADVICE_LARGE] = "The mail is larger than the recipient's server takes. "
                                         "Please send large files in another way, such as a link.",
                    [DSN_ADVICE_UNREACHABLE] = "The recipient's server could not be reached, or "
                                               "was not ready. Please check what stands behind "
                                               "the @, and try again later.",
                    [DSN_ADVICE_LOOP] = "The mail goes in circles between servers. Only those who "
                                        "run the recipient's servers can mend that.",
                    [DSN_ADVICE_CONTENT] = "The recipient's server cannot handle the form of the "
                                           "mail, such as its characters or attachments. Please "
                                           "send it in a simpler form.",
                    [DSN_ADVICE_POLICY] = "The recipient's server refused the mail by its rules; "
                                          "it may have taken it for unwanted mail. What it said "
                                          "may tell why; your mail administrator can help.",
                    [DSN_ADVICE_SECURITY] = "The mail may travel on a protected connection only, "
                                            "and none could be made. Please ask your mail "
                                            "administrator.",
                },
        },
    [DSN_GERMAN] =
        {
            .code = "de",
            .hello = "Guten Tag,",
            .intro = "hier schreibt der Mailserver {}. Es geht um diese Mail von Ihnen:",
            .subject_name = "Betreff",
            .date_name = "Gesendet",
            .actions =
                {
                    [DSN_FAILED] = {"Ihre Mail konnte nicht zugestellt werden",
                                    "Sie konnte nicht zugestellt werden an:",
                                    "Es folgt kein weiterer Versuch. Bitte senden Sie Ihre Mail "
                                    "noch einmal, sobald die Ursache behoben ist."},
                    [DSN_DELAYED] = {"Ihre Mail verzögert sich", "Sie ist noch unterwegs zu:",
                                     "Sie brauchen nichts zu tun: Der Server versucht es weiter "
                                     "und meldet sich, falls es nicht gelingt."},
                    [DSN_DELIVERED] = {"Ihre Mail wurde zugestellt", "Sie wurde zugestellt an:",
                                       "Ob sie gelesen wurde, kann dieser Server nicht wissen."},
                    [DSN_RELAYED] = {"Ihre Mail wurde weitergegeben",
                                     "Sie wurde an einen Server weitergegeben, der Zustellungen "
                                     "nicht meldet, für:",
                                     "Sehr wahrscheinlich ist sie angekommen. Sie hören nur dann "
                                     "wieder davon, wenn sie nicht zugestellt werden konnte."},
                    [DSN_EXPANDED] = {"Ihre Mail ging an einen Verteiler",
                                      "Sie ging an alle, für die diese Adresse steht:",
                                      "Über die Einzelnen erhalten Sie keine Meldung."},
                },
            .until = "Der Server versucht es weiter bis {}.",
            .said = "Der Server {} sagte:",
            .reason = "Der Grund:",
            .more = "und {} weitere, die alle in den angehängten Einzelheiten stehen",
            .header_attached = "Angehängt sind die technischen Einzelheiten und der Kopf Ihrer "
                               "Mail.",
            .mail_attached = "Angehängt sind die technischen Einzelheiten und Ihre Mail.",
            .advice =
                {
                    [DSN_ADVICE_OTHER] = "Der Server des Empfängers hat die Mail abgelehnt. Seine "
                                         "Worte sagen vielleicht, warum.",
                    [DSN_ADVICE_ADDRESS] = "Diese Adresse gibt es nicht. Bitte suchen Sie nach "
                                           "einem Tippfehler oder fragen Sie den Empfänger nach "
                                           "der richtigen Adresse.",
                    [DSN_ADVICE_DOMAIN] = "Was hinter dem @ steht, gibt es nicht, oder es nimmt "
                                          "keine Mail an. Bitte suchen Sie dort nach einem "
                                          "Tippfehler.",
                    [DSN_ADVICE_SENDER] = "Der Server des Empfängers nimmt Ihre eigene Adresse "
                                          "nicht an. Bitte fragen Sie Ihren Mail-Administrator.",
                    [DSN_ADVICE_DISABLED] = "Das Postfach nimmt zurzeit keine Mail an. Bitte "
                                            "erreichen Sie den Empfänger auf anderem Weg.",
                    [DSN_ADVICE_FULL] = "Das Postfach ist voll. Bitte versuchen Sie es in einigen "
                                        "Tagen wieder oder erreichen Sie den Empfänger auf "
                                        "anderem Weg.",
                    [DSN_ADVICE_LARGE] = "Die Mail ist größer, als der Server des Empfängers "
                                         "erlaubt. Bitte geben Sie große Dateien auf anderem Weg "
                                         "weiter, zum Beispiel als Link.",
                    [DSN_ADVICE_UNREACHABLE] = "Der Server des Empfängers war nicht erreichbar "
                                               "oder nicht bereit. Bitte prüfen Sie, was hinter "
                                               "dem @ steht, und versuchen Sie es später wieder.",
                    [DSN_ADVICE_LOOP] = "Die Mail läuft zwischen Servern im Kreis. Das können nur "
                                        "die Betreiber der Server des Empfängers beheben.",
                    [DSN_ADVICE_CONTENT] = "Der Server des Empfängers kann mit der Form der Mail "
                                           "nichts anfangen, etwa mit ihren Zeichen oder "
                                           "Anhängen. Bitte senden Sie sie in einfacherer Form.",
                    [DSN_ADVICE_POLICY] = "Der Server des Empfängers hat die Mail nach seinen "
                                          "Regeln abgelehnt; vielleicht hielt er sie für "
                                          "unerwünscht. Seine Worte sagen vielleicht, warum; Ihr "
                                          "Mail-Administrator kann helfen.",
                    [DSN_ADVICE_SECURITY] = "Die Mail darf nur über eine geschützte Verbindung "
                                            "reisen, und es kam keine zustande. Bitte fragen Sie "
                                            "Ihren Mail-Administrator.",
                },
        },
    [DSN_FRENCH] =
        {
            .code = "fr",
            .hello = "Bonjour,",
            .intro = "ici le serveur de messagerie {}. Il vous écrit au sujet de ce message que "
                     "vous avez envoyé :",
            .subject_name = "Objet",
            .date_name = "Envoyé",
            .actions =
                {
                    [DSN_FAILED] = {"Votre message n'a pas pu être remis",
                                    "Il n'a pas pu être remis à :",
                                    "Le serveur ne fera plus d'autre essai. Une fois la cause "
                                    "écartée, veuillez envoyer votre message de nouveau."},
                    [DSN_DELAYED] = {"Votre message est retardé", "Il est encore en route vers :",
                                     "Vous n'avez rien à faire : le serveur continue d'essayer et "
                                     "vous préviendra s'il n'y parvient pas."},
                    [DSN_DELIVERED] = {"Votre message a été remis", "Il a été remis à :",
                                       "Ce serveur ne peut pas savoir s'il a été lu."},
                    [DSN_RELAYED] = {"Votre message a été transmis",
                                     "Il a été transmis à un serveur qui n'annonce pas les "
                                     "remises, pour :",
                                     "Il est très probablement arrivé. Vous n'en entendrez plus "
                                     "parler, sauf s'il n'a pas pu être remis."},
                    [DSN_EXPANDED] = {"Votre message a été transmis à une liste",
                                      "Il a été transmis à tous ceux que cette adresse "
                                      "représente :",
                                      "Vous ne recevrez pas d'avis pour chacun d'eux."},
                },
            .until = "Le serveur continue d'essayer jusqu'au {}.",
            .said = "Le serveur {} a dit :",
            .reason = "La raison :",
            .more = "et {} autres, tous nommés dans les détails ci-joints",
            .header_attached = "Ci-joints : les détails techniques et l'en-tête de votre message.",
            .mail_attached = "Ci-joints : les détails techniques et votre message.",
            .advice =
                {
                    [DSN_ADVICE_OTHER] = "Le serveur du destinataire a refusé le message. Sa "
                                         "réponse en dit peut-être la raison.",
                    [DSN_ADVICE_ADDRESS] = "Cette adresse n'existe pas. Veuillez chercher une "
                                           "faute de frappe, ou demander la bonne adresse au "
                                           "destinataire.",
                    [DSN_ADVICE_DOMAIN] = "Ce qui suit le @ n'existe pas ou n'accepte pas de "
                                          "courrier. Veuillez y chercher une faute de frappe.",
                    [DSN_ADVICE_SENDER] = "Le serveur du destinataire n'accepte pas votre propre "
                                          "adresse. Veuillez vous adresser à votre "
                                          "administrateur.",
                    [DSN_ADVICE_DISABLED] = "La boîte n'accepte pas de courrier pour le moment. "
                                            "Veuillez joindre le destinataire autrement.",
                    [DSN_ADVICE_FULL] = "La boîte est pleine. Veuillez réessayer dans quelques "
                                        "jours, ou joindre le destinataire autrement.",
                    [DSN_ADVICE_LARGE] = "Le message est plus grand que le serveur du "
                                         "destinataire ne l'accepte. Veuillez transmettre les "
                                         "gros fichiers autrement, par exemple par un lien.",
                    [DSN_ADVICE_UNREACHABLE] = "Le serveur du destinataire n'était pas joignable "
                                               "ou pas prêt. Veuillez vérifier ce qui suit le @ "
                                               "et réessayer plus tard.",
                    [DSN_ADVICE_LOOP] = "Le message tourne en rond entre des serveurs. Seuls ceux "
                                        "qui gèrent les serveurs du destinataire peuvent y "
                                        "remédier.",
                    [DSN_ADVICE_CONTENT] = "Le serveur du destinataire ne sait pas traiter la "
                                           "forme du message, par exemple ses caractères ou ses "
                                           "pièces jointes. Veuillez l'envoyer sous une forme "
                                           "plus simple.",
                    [DSN_ADVICE_POLICY] = "Le serveur du destinataire a refusé le message selon "
                                          "ses règles ; il l'a peut-être pris pour un message "
                                          "indésirable. Sa réponse en dit peut-être la raison ; "
                                          "votre administrateur peut vous aider.",
                    [DSN_ADVICE_SECURITY] = "Le message ne doit voyager que par une liaison "
                                            "protégée, et aucune n'a pu être établie. Veuillez "
                                            "vous adresser à votre administrateur.",
                },
        },
    [DSN_SPANISH] =
        {
            .code = "es",
            .hello = "Hola:",
            .intro = "Le escribe el servidor de correo {}, acerca de este mensaje suyo:",
            .subject_name = "Asunto",
            .date_name = "Enviado",
            .actions =
                {
                    [DSN_FAILED] = {"No se pudo entregar su mensaje", "No se pudo entregar a:",
                                    "El servidor no lo intentará más. Cuando la causa esté "
                                    "resuelta, envíe de nuevo su mensaje, por favor."},
                    [DSN_DELAYED] = {"Su mensaje se retrasa", "Todavía está en camino a:",
                                     "No tiene que hacer nada: el servidor sigue intentándolo y "
                                     "le avisará si no lo consigue."},
                    [DSN_DELIVERED] = {"Su mensaje fue entregado", "Fue entregado a:",
                                       "Este servidor no puede saber si fue leído."},
                    [DSN_RELAYED] = {"Su mensaje fue transmitido",
                                     "Fue transmitido a un servidor que no informa de las "
                                     "entregas, para:",
                                     "Lo más probable es que haya llegado. Solo tendrá más "
                                     "noticias si no se pudo entregar."},
                    [DSN_EXPANDED] = {"Su mensaje fue transmitido a una lista",
                                      "Fue transmitido a todos los que representa esta dirección:",
                                      "No recibirá avisos sobre cada uno de ellos."},
                },
            .until = "El servidor sigue intentándolo hasta el {}.",
            .said = "El servidor {} dijo:",
            .reason = "El motivo:",
            .more = "y {} más, todos nombrados en los detalles adjuntos",
            .header_attached = "Se adjuntan los detalles técnicos y la cabecera de su mensaje.",
            .mail_attached = "Se adjuntan los detalles técnicos y su mensaje.",
            .advice =
                {
                    [DSN_ADVICE_OTHER] = "El servidor del destinatario rechazó el mensaje. Su "
                                         "respuesta quizá diga por qué.",
                    [DSN_ADVICE_ADDRESS] = "Esa dirección no existe. Busque un error de escritura "
                                           "o pida al destinatario la dirección correcta.",
                    [DSN_ADVICE_DOMAIN] = "Lo que sigue a la @ no existe o no recibe correo. "
                                          "Busque ahí un error de escritura.",
                    [DSN_ADVICE_SENDER] = "El servidor del destinatario no acepta la dirección de "
                                          "usted. Pregunte a su administrador de correo.",
                    [DSN_ADVICE_DISABLED] = "El buzón no recibe correo por ahora. Contacte con el "
                                            "destinatario de otra manera.",
                    [DSN_ADVICE_FULL] = "El buzón está lleno. Inténtelo de nuevo dentro de unos "
                                        "días o contacte con el destinatario de otra manera.",
                    [DSN_ADVICE_LARGE] = "El mensaje es más grande de lo que admite el servidor "
                                         "del destinatario. Envíe los archivos grandes de otra "
                                         "manera, por ejemplo con un enlace.",
                    [DSN_ADVICE_UNREACHABLE] = "No se pudo contactar con el servidor del "
                                               "destinatario, o no estaba listo. Revise lo que "
                                               "sigue a la @ e inténtelo más tarde.",
                    [DSN_ADVICE_LOOP] = "El mensaje da vueltas entre servidores. Solo pueden "
                                        "remediarlo quienes llevan los servidores del "
                                        "destinatario.",
                    [DSN_ADVICE_CONTENT] = "El servidor del destinatario no puede tratar la forma "
                                           "del mensaje, por ejemplo sus caracteres o adjuntos. "
                                           "Envíelo en una forma más sencilla, por favor.",
                    [DSN_ADVICE_POLICY] = "El servidor del destinatario rechazó el mensaje según "
                                          "sus reglas; quizá lo tomó por correo no deseado. Su "
                                          "respuesta quizá diga por qué; su administrador de "
                                          "correo puede ayudarle.",
                    [DSN_ADVICE_SECURITY] = "El mensaje solo puede viajar por una conexión "
                                            "protegida, y no se pudo establecer ninguna. Pregunte "
                                            "a su administrador de correo.",
                },
        },
};

enum { ANY = -1 };

/* The first row that fits; the class (4 or 5) does not matter. */
static const struct {
    int subject, detail;
    enum dsn_advice advice;
} advices[] = {
    {1, 2, DSN_ADVICE_DOMAIN},  /* bad system address */
    {1, 10, DSN_ADVICE_DOMAIN}, /* RFC 7505: null MX */
    {1, 7, DSN_ADVICE_SENDER},  /* bad sender's mailbox address */
    {1, 8, DSN_ADVICE_SENDER},  /* bad sender's system address */
    {1, ANY, DSN_ADVICE_ADDRESS},
    {2, 2, DSN_ADVICE_FULL},
    {2, 3, DSN_ADVICE_LARGE}, /* message length exceeds the mailbox's limit */
    {2, ANY, DSN_ADVICE_DISABLED},
    {3, 1, DSN_ADVICE_FULL},          /* mail system full */
    {3, 4, DSN_ADVICE_LARGE},         /* message too big for system */
    {3, ANY, DSN_ADVICE_UNREACHABLE}, /* system not accepting, not capable */
    {4, 6, DSN_ADVICE_LOOP},
    {4, ANY, DSN_ADVICE_UNREACHABLE}, /* no answer, bad connection, expired */
    {6, ANY, DSN_ADVICE_CONTENT},
    {7, 4, DSN_ADVICE_SECURITY},  /* security features not supported */
    {7, 5, DSN_ADVICE_SECURITY},  /* cryptographic failure */
    {7, 10, DSN_ADVICE_SECURITY}, /* encryption needed */
    {7, 30, DSN_ADVICE_SECURITY}, /* RFC 8689: REQUIRETLS */
    {7, ANY, DSN_ADVICE_POLICY},
};

enum dsn_advice dsn_advice_for(const int status[3])
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (advices[i].subject == status[1] &&
            (advices[i].detail == ANY || advices[i].detail == status[2]))
            return advices[i].advice;
    return DSN_ADVICE_OTHER;
}

/* "q=0.8" in thousandths (RFC 9110 12.4.2); what is no weight counts whole. */
static unsigned weight_of(slice parameters)
{
    struct cursor c = cursor_over(slice_trim(parameters));
    uint64_t whole = 0;
    if (!cursor_take_nocase(&c, SLICE("q=")) || !cursor_take_u64(&c, 1, &whole))
        return 1000;
    unsigned weight = (unsigned)whole * 1000;
    if (cursor_take_byte(&c, '.'))
        for (unsigned unit = 100; unit && ascii_is_digit((char)cursor_peek(&c)); unit /= 10, c.at++)
            weight += (unsigned)(*c.at - '0') * unit;
    return weight < 1000 ? weight : 1000;
}

bool dsn_language_find(slice value, enum dsn_language *out_language)
{
    unsigned best = 0;
    while (value.size > 0) {
        slice item, tag, parameters, primary, rest;
        slice_cut(value, ',', &item, &value);
        slice_cut(item, ';', &tag, &parameters);
        slice_cut(slice_trim(tag), '-', &primary, &rest); /* "de-AT": RFC 4647 3.3.1 */
        unsigned weight = weight_of(parameters);
        for (unsigned i = 0; i < DSN_LANGUAGES; i++) {
            if (weight > best &&
                slice_equal_nocase(primary, slice_from_string(dsn_texts[i].code))) {
                best = weight;
                *out_language = (enum dsn_language)i;
            }
        }
    }
    return best > 0;
}

bool dsn_language_of_mail(slice header, enum dsn_language *out_language)
{
    slice value;
    if (mail_header_find(header, SLICE("Accept-Language"), &value) &&
        dsn_language_find(value, out_language))
        return true;
    return mail_header_find(header, SLICE("Content-Language"), &value) &&
           dsn_language_find(value, out_language);
}
