"""What can be answered about an incident: codes, and what they say. A choice of CNIL's form is in CNIL's words.

``*_WRITTEN``: what papers say of a code for which she reads simpler words.
"""

from lucine.web.languages import say

Choices = tuple[tuple[str, str], ...]

YES_NO: Choices = (("yes", say("Oui")), ("no", say("Non")), ("unknown", say("Je ne sais pas")))
ESTABLISHED: Choices = (("established", say("Oui, c'est sûr")), ("suspected", say("Non, je le suppose")))
ESTABLISHED_WRITTEN: Choices = (("established", "Avérée"), ("suspected", "Supposée"))
ORIGINS: Choices = (
    ("device", say("Équipement perdu ou volé")),
    ("paper", say("Papier perdu, volé ou laissé accessible dans un endroit non sécurisé")),
    ("post", say("Courrier perdu ou ouvert avant d'être retourné à l'envoyeur")),
    ("attack", say("Piratage, logiciel malveillant (par exemple rançongiciel) et/ou hameçonnage")),
    ("paper_thrown", say(
        "Mise au rebut de documents papier contenant des données personnelles sans destruction physique")),
    ("device_thrown", say(
        "Mise au rebut d'appareils numériques contenant des données personnelles sans effacement sécurisé")),
    ("published", say("Publication non volontaire d'informations")),
    ("wrong_person", say("Données de la mauvaise personne affichées sur le portail du client")),
    ("wrong_recipient", say("Données personnelles envoyées à un mauvais destinataire")),
    ("spoken", say("Informations personnelles divulguées de façon verbale")),
    ("other", say("Autre")),
)  # fmt: skip
CAUSES: Choices = (
    ("internal_malicious", say("Acte interne malveillant")),
    ("internal_accident", say("Acte interne accidentel")),
    ("external_malicious", say("Acte externe malveillant")),
    ("external_accident", say("Acte externe accidentel")),
    ("other", say("Autre")),
    ("unknown", say("Inconnu")),
)
NATURES: Choices = (
    ("confidentiality", say("Perte de confidentialité")),
    ("integrity", say("Perte d'intégrité")),
    ("availability", say("Perte de disponibilité")),
)
SUPPORTS: Choices = (
    ("server", say("Serveur")),
    ("desktop", say("Poste fixe")),
    ("laptop", say("Ordinateur portable")),
    ("backup", say("Disque de sauvegarde")),
    ("key", say("Clé USB")),
    ("phone", say("Téléphone portable")),
    ("paper", say("Document papier")),
)
ENDINGS: Choices = (
    ("ended", say("Oui, à la date ci-dessous")),
    ("ongoing", say("Non, cela continue")),
    ("long", say("C'est étalé sur une longue période")),
    ("unknown", say("Je ne sais pas")),
)
FOUND_BY: Choices = (
    ("me", say("Moi-même")),
    ("colleague", say("Une collègue ou une personne du cabinet")),
    ("patient", say("Une patiente")),
    ("editor", say("L'éditeur du logiciel ou l'hébergeur")),
    ("lucine", say("Une alerte de Lucine")),
    ("body", say("Un organisme public")),
    ("other", say("Quelqu'un d'autre")),
)
PARTIES: Choices = (
    ("editor", say("L'éditeur du logiciel")),
    ("host", say("L'hébergeur des données")),
    ("colleague", say("Une collègue coresponsable des dossiers")),
    ("secretary", say("Le télésecrétariat")),
    ("helper", say("Le prestataire informatique")),
)
PEOPLE: Choices = (
    ("p5", say("Entre 0 et 5 personnes")),
    ("p50", say("Entre 6 et 50 personnes")),
    ("p300", say("Entre 51 et 300 personnes")),
    ("p5000", say("Entre 301 et 5000 personnes")),
    ("more", say("Plus de 5000 personnes")),
    ("unknown", say("Je ne sais pas")),
)
WHO: Choices = (
    ("patients", say("Patientes")),
    ("children", say("Enfants et nouveau-nés")),
    ("relatives", say("Conjoints et proches")),
    ("staff", say("Collègues et salariés")),
    ("professionals", say("Autres professionnels de santé")),
)
DATA: Choices = (
    ("surname", say("Nom")),
    ("first_name", say("Prénom")),
    ("birth", say("Date de naissance")),
    ("civil", say("État civil")),
    ("parents", say("Filiation")),
    ("gender", say("Genre")),
    ("nir", say("Numéro de sécurité sociale (NIR)")),
    ("contact", say("Coordonnées")),
    ("ip", say("Adresse IP")),
    ("transactions", say("Données transactionnelles")),
    ("connections", say("Données de connexion")),
    ("places", say("Données de localisation")),
    ("official", say("Documents officiels")),
    ("offences", say("Infractions, condamnations, mesures de sûreté")),
    ("money", say("Informations économiques et financières")),
    ("behaviour", say("Données comportementales")),
    ("sensitive", say("Données sensibles (dont santé)")),
)
EFFECTS: Choices = (
    ("wider", say("Diffusion plus large que nécessaire et perte de maîtrise par les personnes")),
    ("crossed", say("Croisement possible avec d'autres informations")),
    ("misused", say("Détournement vers d'autres fins ou usage malveillant")),
    ("falsified", say("Données falsifiées")),
    ("delayed", say("Soins retardés, ou faits sans le dossier")),
)
HARMS: Choices = (
    ("control", say("Perte de contrôle sur les données")),
    ("rights", say("Limitation des droits")),
    ("discrimination", say("Discrimination")),
    ("identity", say("Vol d'identité")),
    ("fraud", say("Fraude")),
    ("pseudonym", say("Levée non autorisée de la pseudonymisation")),
    ("money", say("Pertes financières")),
    ("reputation", say("Atteinte à la réputation")),
    ("privacy", say("Atteinte à la vie privée")),
    ("secrecy", say("Perte de confidentialité de données protégées par un secret professionnel")),
)
SEVERITIES: Choices = (
    ("negligible", say("Négligeable")),
    ("limited", say("Limitée")),
    ("important", say("Importante")),
    ("maximal", say("Maximale")),
    ("unknown", say("Je ne sais pas")),
)
BEFORE: Choices = (
    ("passwords", say("Un mot de passe propre à chaque compte")),
    ("second", say("Une double vérification à la connexion")),
    ("encryption", say("Des appareils chiffrés")),
    ("backups", say("Des sauvegardes régulières")),
    ("antivirus", say("Un antivirus à jour")),
    ("updates", say("Des mises à jour automatiques")),
    ("lock", say("Un verrouillage automatique de l'écran")),
    ("own_accounts", say("Un compte par personne, avec ses seuls droits")),
    ("traces", say("Un journal des accès aux dossiers")),
    ("premises", say("Un cabinet et des armoires fermés à clé")),
    ("secure_mail", say("Une messagerie sécurisée de santé")),
)
TAKEN: Choices = (
    ("cut", say("Accès coupés et sessions fermées")),
    ("passwords", say("Mots de passe changés")),
    ("isolated", say("Appareil isolé du réseau")),
    ("wiped", say("Appareil verrouillé ou effacé à distance")),
    ("recalled", say("Message rappelé ou effacement demandé")),
    ("evidence", say("Preuves mises de côté")),
    ("editor", say("Éditeur ou hébergeur prévenu")),
    ("restored", say("Données remises en place depuis une sauvegarde")),
    ("complaint", say("Plainte déposée")),
)
PLANNED: Choices = (
    ("passkeys", say("Des clés d'accès à la place des mots de passe")),
    ("encryption", say("Le chiffrement des appareils")),
    ("backups", say("Des sauvegardes essayées régulièrement")),
    ("rights", say("Une revue des droits d'accès")),
    ("reminder", say("Un rappel des règles à l'équipe")),
    ("addresses", say("Un contrôle des adresses avant chaque envoi")),
    ("contracts", say("Une revue du contrat avec l'éditeur")),
    ("disposal", say("Une destruction sûre des papiers et des appareils")),
)
SPARED: Choices = (
    ("none", say("Rien de tout cela")),
    ("unreadable", say("Les données étaient illisibles, par exemple chiffrées")),
    ("removed", say("Le risque élevé est écarté depuis")),
    ("effort", say("Prévenir chaque personne demanderait un effort démesuré")),
)
LATE: Choices = (
    ("scope", say("L'ampleur n'a été comprise que plus tard")),
    ("editor", say("L'éditeur ou l'hébergeur a prévenu tard")),
    ("care", say("Il a d'abord fallu rétablir les soins")),
    ("checks", say("Les vérifications ont pris du temps")),
    ("unaware", say("L'obligation n'était pas connue")),
    ("absent", say("Une absence : congé, maladie")),
)
NOTIFIED: Choices = (
    ("nothing", say("Rien pour l'instant")),
    ("initial", say("Une première notification (un complément suivra)")),
    ("complete", say("Une notification complète")),
)
INFORMED: Choices = (
    ("yes", say("Oui, les personnes ont été informées")),
    ("will", say("Non, mais elles le seront")),
    ("no", say("Non, elles ne le seront pas")),
    ("undecided", say("Non déterminé pour le moment")),
)
INFORMED_WRITTEN: Choices = (("no", "Non ils ne le seront pas"),)
MEANS: Choices = (
    ("letter", say("Courrier")),
    ("mail", say("E-mail")),
    ("secure_mail", say("Messagerie sécurisée de santé")),
    ("phone", say("Téléphone")),
    ("person", say("De vive voix")),
    ("public", say("Avis public : affiche, site")),
)
SHARE: Choices = (("all", say("Toutes")), ("some", say("Une partie")))
BODIES: Choices = (
    ("police", say("Police ou gendarmerie")),
    ("prosecutor", say("Procureur de la République")),
    ("ans", say("Support e-CPS de l'Agence du numérique en santé")),
    ("order", say("Conseil départemental de l'Ordre")),
    ("cpam", say("Caisse d'assurance maladie")),
    ("cert", say("CERT Santé")),
    ("insurer", say("Assureur")),
)
